package abuse

import (
	"os"
	"testing"

	"ringway/test/e2e/system"
)

// worker is the path of the program in directory worker.
var worker string

func TestMain(m *testing.M) {
	os.Exit(system.Main(m, system.Program{Path: &worker, Sources: "./test/abuse/worker"}))
}
