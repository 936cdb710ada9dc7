// Command gateway owns the sockets of a service: it accepts connections, parses HTTP, and hands the requests to worker
// processes through shared memory. `gateway help` lists its commands.
package main

import (
	"os"

	"ringway/internal/cli"
)

func main() {
	os.Exit(cli.Run(os.Args[1:], os.Stdout, os.Stderr, newEngine))
}
