// Package gateway ties the parts of a gateway process together: listening sockets, the native engine, the control
// socket, supervised workers and the admin server, from start to a clean end.
//
// One goroutine, the core, owns everything that changes: the phase of the gateway and the state of each worker. All
// others (conversations with workers, notices of the engine, timers, signals) post functions to its mailbox. So there is
// one order of events and no lock, and a state can only be changed in one place.
package gateway
