// Package clients tests the gateway with programs that others wrote: curl, Go's net/http, Node's fetch and http, Python's
// http.client and wrk as clients, nginx and HAProxy as proxies in front of it. Each of them sends the same requests, as far
// as it can, and a missing program fails the tests: tools/setup.sh installs them.
package clients
