// Package system runs a real gateway and real workers for tests: built from the tree, on ports that the kernel chooses,
// each process ended by its own pid when its test ends.
package system
