package owin

import (
	"os"
	"testing"

	"ringway/test/e2e/system"
)

// workerProgram is the path of the binary of package worker.
var workerProgram string

func TestMain(m *testing.M) {
	os.Exit(system.Main(m, system.Program{Path: &workerProgram, Sources: "./test/owin/worker"}))
}
