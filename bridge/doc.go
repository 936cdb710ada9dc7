// Package bridge serves an http.Handler, or an environment application of package envmap, behind the gateway: requests
// and responses cross in shared memory.
//
//	err := bridge.Serve(ctx, handler)
//
// The worker finds its gateway by RINGWAY_SOCKET or [WithSocket], attaches again when the gateway was replaced, and
// leaves when ctx is cancelled. The package is pure Go and works without cgo.
//
// # Handlers
//
// Handlers have the semantics of net/http. What they get (request, header map, strings, context) is theirs to keep; a
// body or response writer that is used after the handler has returned gives errors. Beyond net/http: a body that the
// handler writes with one Write of up to 64 KiB gets a Content-Length, the response writer is a [BlockWriter], and a
// panic before anything was sent is answered with 500. http.ErrAbortHandler cuts the
// connection, or makes it a 502 if nothing was sent. A safe request whose handler's process died is given to another worker
// once, with [AttemptHeader]; an App finds that in its environment.
//
// # Files
//
// A regular file of 128 KiB or more that a handler copies to its response (io.Copy, io.CopyN, http.ServeFile,
// http.ServeContent with an *os.File, Env.SendFile) is not read here: the gateway gets a descriptor of it and sends it with
// sendfile(2). The call returns when the gateway has closed that descriptor: when all is with the client's connection, or
// the client is gone, the write deadline or context over, or the file has turned out too short ([ErrFileCut]). Small files,
// those beyond 128 under way in a lane, what is not regular and what only has a file inside are copied. Ranges of several
// parts are copied by net/http.
//
// # Upgrades
//
// A handler may take the connection over by http.Hijacker, also through http.ResponseController: after WriteHeader(101), or
// before anything was answered; then the head of the answer is what it writes first, at most 64 KiB, also in pieces and
// behind interim heads. The gateway writes a head of its own with the same status and fields. Behind a 101, which needs a
// request that offers another protocol (Upgrade) and whose body has ended, bytes go both ways as they are, with
// backpressure; the connection has deadlines and a CloseWrite, may be used by any goroutine, and lasts until Close, also
// beyond its handler, which no longer counts among those that may run at once. Another status is an ordinary answer written
// by hand: its body is what follows until Close, as long as its Content-Length if it has one, framed by the gateway (a
// Transfer-Encoding is refused). HTTP/1.0 and HEAD requests cannot be hijacked. Close before the head is written makes the
// answer 502. Reads give io.EOF when the client has ended its side, and errors once it is gone, the gateway has given the
// connection up (the drain limit) or is gone itself.
//
// # Who runs handlers
//
// Each event loop of the gateway has a lane, each lane its own readers; a mutex per lane guards both of its ends, its
// exchanges and the state of dispatch. With [Auto], reader goroutines take turns: the leader takes events until one is a
// request that may start, lets go of the lock and runs the handler itself. It readies a follower first, unless the
// handlers of the lane have been short: then this one runs exposed, and the watch of guard.go readies a follower if it
// lasts. Why nothing is ever left lying:
//
//   - Say that a lane is attended if a reader is between two handlers (it holds the lock or is on its way to it), or one
//     is readied (starting > 0), or one polls, or a handler is exposed. A reader leaves the first state only by starting
//     a handler, by polling, by going idle or by ending. It starts a handler only exposed, or after follower found the
//     lane attended by another or readied one; it goes idle or ends only while another polls; and a poller or readied
//     reader comes back to the first state. An exposed handler returns, waits inside this package (which readies a
//     follower), or is found by the watch within two of its ticks. So a lane is always attended, whatever handlers do.
//   - follower can always ready somebody: handlers run on at most limit readers and there may be limit + 1 readers, so
//     that if none is idle and no more may be made, one of them is between two handlers.
//   - An attended lane misses no event: the poller arms, which is sequentially consistent, and looks at the ring again
//     before it sleeps, so that either it sees an event or the gateway sees the armed word and signals. The same holds for
//     writers that wait for blocks or room: they store starved and look again, the signal wakes the poller, and whoever
//     reads the lane feeds them first.
//   - An event is never behind a request that cannot start: such a request goes to the private queue, in state QUEUED,
//     and reading goes on. Each end of a handler looks at the queue first, so that a queue with free handlers empties.
//   - No hand-over per request: a follower is readied only if nobody polls and none is readied yet, so that under load the
//     leader takes one event after the other.
//
// With [Pool] the only reader never runs handlers, so that the lane is attended by it. With [Inline] the only reader
// runs them; when a handler waits for its body, its window or blocks, the waiting goroutine reads the lane (putting
// requests into the queue) until what it waits for has come, and whoever else waits takes over from it.
package bridge
