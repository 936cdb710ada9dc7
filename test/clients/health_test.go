package clients

import (
	"encoding/csv"
	"io"
	"net"
	"strings"
	"testing"

	"ringway/test/e2e/system"
)

// health is what HAProxy says of the gateway: UP or DOWN, and what the last check came to.
func health(t *testing.T, socket string) string {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "show stat\n"); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "# "))).ReadAll()
	if err != nil || len(lines) == 0 {
		t.Fatalf("%v in %q", err, text)
	}
	column := map[string]int{}
	for i, name := range lines[0] {
		column[name] = i
	}
	for _, line := range lines[1:] {
		if line[column["pxname"]] == "gateway" && line[column["svname"]] == "gateway" {
			return line[column["status"]] + " " + strings.TrimPrefix(line[column["check_status"]], "* ")
		}
	}
	t.Fatalf("no server in %q", text)
	return ""
}

// TestHealthChecks: HAProxy sees whether there is a worker if it asks for what the worker serves, and whether there is a
// gateway if it asks for what that serves itself.
func TestHealthChecks(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Flags: []string{"--native-path", "/ping=pong", "--queue-deadline", "20ms"}})
	const often = "\n    default-server check inter 20ms rise 1 fall 1"
	// By default the check is OPTIONS / HTTP/1.0 without a Host.
	addr, worker := startCheckingHAProxy(t, g.Addr, "option httpchk"+often)
	_, gateway := startCheckingHAProxy(t, g.Addr, "option httpchk\n    http-check send meth GET uri /ping ver HTTP/1.1 hdr Host x"+often)
	_, connect := startCheckingHAProxy(t, g.Addr, often)
	expect := func(what, socket, want string) {
		t.Helper()
		system.Eventually(t, what+": "+want, func() bool { return health(t, socket) == want })
	}
	expect("without a worker", worker, "DOWN L7STS")
	expect("without a worker", gateway, "UP L7OK")
	expect("without a worker", connect, "UP L4OK")
	clients[1].play(t, "http://"+addr, false, []step{{get("/"), nothing, 503, nil}})

	w := g.StartWorker()
	expect("with a worker", worker, "UP L7OK")
	clients[1].play(t, "http://"+addr, false, []step{{get("/"), nothing, 200, hello}, {get("/bytes?n=100000"), nothing, 200, body(pattern(0, 100000))}})

	w.Kill()
	expect("after the worker", worker, "DOWN L7STS")
	g.StartWorker()
	expect("with another worker", worker, "UP L7OK")
	g.WaitIdle()
	g.Stop()
	expect("after the gateway", worker, "DOWN L4CON")
	expect("after the gateway", gateway, "DOWN L4CON")
}
