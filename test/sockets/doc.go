// Package sockets tests upgraded connections end to end: WebSockets by two libraries as they are, and raw streams, through
// a gateway and workers as processes.
package sockets
