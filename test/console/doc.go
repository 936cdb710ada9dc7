// Package console tests the admin server's page at / in a real browser: Chromium, driven by a script for Node (testdata/). The tests
// carry the build tag `console`; `make console-test` runs them and leaves pictures in build/console.
package console
