// Package envmap is the OWIN environment of one request: a dictionary whose values are decoded from the request block
// only when they are asked for, with typed accessors beside it. Save for opening files that an application names it does
// no I/O of its own, and it needs no cgo.
//
// # Applications
//
// An [App] gets an [Env], reads the request from it, describes and writes the response through it, and returns. A
// [Runner] calls an App for one [Exchange] after another; package bridge does that over shared memory, tests do it with
// an Exchange of their own.
//
// # Lifetime
//
//  1. An Env is valid until its App has returned. After that every method fails safely: accessors give zero values,
//     calls that report errors give [ErrEnded]. It never shows another request, however long it is kept.
//  2. Methods named ...Bytes return borrowed memory: it must be neither changed nor kept after the App has returned.
//     All others return values that may be kept for ever.
//  3. An Env may be used by several goroutines at once. Calls that write the response wait for each other.
//
// # Response
//
// Status and fields may change until the first body write, which seals them; a small body is held back until the App
// has returned, so that it leaves in one piece with its length. An error or panic before the first write is answered
// with 500; after it the response is cut off, never ended as if it were whole. Invalid values that the App left in the
// environment (a status below 200, a field name that is no token, a value of the wrong type) are such errors too.
package envmap
