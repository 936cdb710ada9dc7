// Package e2e tests a real gateway with real workers over real sockets.
package e2e
