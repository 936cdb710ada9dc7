// Package accesslog writes a line for each request that the gateway has answered.
//
// Open opens the file, Start lets one goroutine fetch records from the engine, format and write them. It is allowed to
// wait for a slow pipe or disk: the engine drops and counts what it has no room for meanwhile, and nothing else waits.
// What cannot be written is dropped and counted too, and the next lines are tried again. Close writes out what is left.
//
// Lines are made by appending bytes to a buffer that is used again and again: no reflection and no allocation per line.
package accesslog
