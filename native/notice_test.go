package native

import (
	"io"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"ringway/internal/engine"
)

// TestRefusalsNameTheRequest: where a head was understood its id is told, a trusted client's or one of ours.
func TestRefusalsNameTheRequest(t *testing.T) {
	const head = "POST /x HTTP/1.1\r\nHost: a\r\nX-Request-Id: from-client\r\n"
	for name, test := range map[string]struct {
		request string
		trusted bool
		off     bool
		reason  string
		id      string // pattern
	}{
		"no worker":                {"GET /x HTTP/1.1\r\nHost: a\r\n\r\n", false, false, "no worker can take the request now", "^[0-9a-f]{32}$"},
		"no worker, trusted":       {head + "\r\n", true, false, "no worker can take the request now", "^from-client$"},
		"no worker, not trusted":   {head + "\r\n", false, false, "no worker can take the request now", "^[0-9a-f]{32}$"},
		"head refused":             {head + "Content-Length: 9999999\r\n\r\n", false, false, "request body too large", "^[0-9a-f]{32}$"},
		"head refused, trusted":    {head + "Content-Length: 9999999\r\n\r\n", true, false, "request body too large", "^from-client$"},
		"body refused":             {strings.Replace(head, "/x", "/s/x", 1) + "Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", true, false, "invalid chunk", "^from-client$"},
		"head not understood":      {"GET /x HTTP/1.1\r\nX-Request-Id: from-client\r\n\r\n", true, false, "missing, repeated or invalid Host", "^$"},
		"requests without ids":     {head + "\r\n", false, true, "no worker can take the request now", "^$"},
		"no ids, and head refused": {head + "Content-Length: 9999999\r\n\r\n", true, true, "request body too large", "^$"},
	} {
		t.Run(name, func(t *testing.T) {
			config := testConfig()
			config.Settings.RequestIDs = !test.off
			// What is answered here has its body read without a worker.
			config.Settings.StaticSites = []engine.StaticSite{{Prefix: "/s", Directory: t.TempDir()}}
			if test.trusted {
				config.Settings.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			}
			g, address := startGateway(t, config)
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, test.request); err != nil {
				t.Fatal(err)
			}
			notice := <-g.Notices()
			if notice.Kind != engine.Refused || notice.Text != test.reason || !regexp.MustCompile(test.id).MatchString(notice.RequestID) {
				t.Errorf("%+v, want %q with an id like %s", notice, test.reason, test.id)
			}
		})
	}
}

// TestRefusalsDoNotInheritIDs: what a connection asked before has nothing to do with what is refused later.
func TestRefusalsDoNotInheritIDs(t *testing.T) {
	config := testConfig()
	config.Settings.RequestIDs = true
	g, address := startGateway(t, config)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /ping HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if notice := <-g.Notices(); notice.Kind != engine.Refused || notice.RequestID != "" {
		t.Errorf("%+v, want a refusal without an id", notice)
	}
}
