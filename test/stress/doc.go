// Package stress exchanges as much as it can with a real gateway and real workers: pipelined requests over many
// connections, bodies of 0 to 300 KiB both ways, clients and handlers that give up at any moment, arenas and pools that
// are too small. Nothing may be lost, mixed up, served twice or stuck, and nothing may stay in use.
//
// A short run is part of the ordinary tests. With the build tag stress there is one of 10 million exchanges, or as many
// as RINGWAY_STRESS_EXCHANGES says. RINGWAY_STRESS_SEED repeats the random choices of a run, though not their timing.
package stress
