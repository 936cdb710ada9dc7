package docs

import (
	"os"
	"testing"

	"ringway/test/e2e/system"
)

// myservice is the program that the pages' commands are run with.
var myservice string

func TestMain(m *testing.M) {
	os.Exit(system.Main(m, system.Program{Path: &myservice, Sources: "./test/docs/myservice"}))
}
