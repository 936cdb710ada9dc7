// Package upgrade puts other gateways in the place of one that runs, with real processes and clients that check every byte
// of every answer: none may be refused or lost.
package upgrade
