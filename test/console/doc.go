// Package console tests the page at / of the admin server: its arithmetic under Node, and, with the build tag `console`, all of it in a
// real browser, Chromium, driven by a script (testdata/). `make console-test` runs these, and leaves pictures in build/console.
package console
