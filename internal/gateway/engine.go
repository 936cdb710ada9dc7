package gateway

import "ringway/internal/engine"

// Engine is the native half: event loops that own the clients' connections. Its methods do not wait for clients or
// workers.
type Engine interface {
	// AddListener takes over bound and listening non-blocking sockets, one for each loop; a unix socket is repeated.
	// With proxy, connections begin with a PROXY header.
	AddListener(descriptors []int, proxy bool) error
	// Start starts the loops.
	Start() error
	// Change puts other settings in force, for what begins from then on. After an error the old ones are.
	Change(engine.Settings) error
	// Attach takes in a worker, which gets no requests before Select. If it succeeds, the sockets belong to the engine
	// and the segments stay mapped until Notice Released.
	Attach(engine.Attachment) error
	// Select lets requests go to these workers and to no others, in one step for each loop. What handlers had whose worker
	// died goes to those of second, if there are any.
	Select(workers, second []uint64) error
	// Probe sends GET path to a worker, whether it is selected or not. Notice Probed follows for each loop, with the round;
	// after an error for some of them.
	Probe(worker uint64, path string, round uint64) error
	// Drain gives the worker no new requests. Notice Idle follows when its last exchange has ended.
	Drain(worker uint64)
	// EndStreams cuts the worker's upgraded connections, which it is told.
	EndStreams(worker uint64)
	// Detach says that the worker is gone or is being ended. Notice Released follows.
	Detach(worker uint64)
	// Notices is what the engine noticed. It is closed by Close, if at all.
	Notices() <-chan engine.Notice
	// AnnounceStop lets answers say that their connection ends, while new connections are still taken.
	AnnounceStop()
	// StopAccepting closes listeners and idle connections. Notice Quiet follows when no connection is left.
	StopAccepting()
	// HandOver closes listeners that another process has too. Connections are closed after their next answer, which says so;
	// idle ones wait for a request until StopAccepting. Notice Quiet follows when no connection is left.
	HandOver()
	// Cut ends the connections that are left after StopAccepting.
	Cut()
	// Close ends the loops; nothing refers to any segment afterwards.
	Close()
	// AccessLog gives the records for the access log.
	AccessLog() engine.AccessSource
	// Stats reads the counters.
	Stats() engine.Stats
	// Requests returns up to limit of the requests in flight, and how many there are.
	Requests(limit int) ([]engine.Request, int, error)
}
