// Package ringtest plays the gateway for tests of the worker: a Go mirror of the gateway's ends of a lane, on heap
// memory or a real segment, and a small gateway on top of them that keeps windows, credits and slots by the rules of
// docs/design.md and notes every rule that the worker breaks.
package ringtest
