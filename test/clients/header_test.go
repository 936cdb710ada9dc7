package clients

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"

	"ringway/test/e2e/system"
)

const streamConfiguration = `
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
master_process off;
pid DIRECTORY/pid;
error_log stderr warn;
events { worker_connections 256; }
stream {
    server {
        listen ADDRESS reuseport;
        proxy_pass GATEWAY;
        proxy_protocol on;
    }
}
`

func startStream(t *testing.T, gateway string) string {
	t.Helper()
	addr := reserve(t)
	_, name := configure(t, streamConfiguration, "GATEWAY", gateway, "ADDRESS", addr)
	startServer(t, addr, "nginx", "-e", "stderr", "-c", name)
	return addr
}

// headerSenders begin each connection to the gateway with a PROXY header.
var headerSenders = []proxy{
	{"nginx-stream", startStream, 0}, // version 1
	{"haproxy-http-1", func(t *testing.T, gateway string) string {
		addr, _ := startCheckingHAProxy(t, gateway+" send-proxy", "")
		return addr
	}, 0},
	{"haproxy-http-2", func(t *testing.T, gateway string) string {
		addr, _ := startCheckingHAProxy(t, gateway+" send-proxy-v2 proxy-v2-options unique-id", "")
		return addr
	}, 0},
	{"haproxy-tcp-2", func(t *testing.T, gateway string) string {
		addr, _ := startHAProxyAs(t, "tcp", gateway+" send-proxy-v2", "", "")
		return addr
	}, 0},
}

// TestProxyHeaders: behind PROXY headers the worker sees the client's address, and all else is as without.
func TestProxyHeaders(t *testing.T) {
	t.Parallel()
	for _, p := range headerSenders {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			g := startGateway(t, "handler", "--listen-proxy", "127.0.0.1:0")
			addr := p.start(t, g.Proxy)
			for _, from := range []string{"127.0.0.1", "127.0.0.5", "127.0.0.6"} {
				dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
				var local string
				transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
					conn, err := dialer.DialContext(ctx, network, addr)
					if err == nil {
						local = conn.LocalAddr().String()
					}
					return conn, err
				}}
				for range 2 { // the second time over the same connection
					var a answer
					if err := oneByGo(t.Context(), &http.Client{Transport: transport, Timeout: system.Patience}, "http://"+addr, get("/peer"), &a); err != nil {
						t.Fatal(err)
					}
					if wrong := holds(fmt.Sprintf(`"remote":%q`, local))(a); wrong != "" {
						t.Errorf("from %s: %s", local, wrong)
					}
				}
				transport.CloseIdleConnections()
			}
			for _, c := range clients[:2] {
				c.play(t, "http://"+addr, false, possible(kept(), c.can|handlerOnly))
			}
			clean(t, g)
		})
	}
}

// TestHealthChecksWithHeaders: a check comes without a client, and is served like others.
func TestHealthChecksWithHeaders(t *testing.T) {
	t.Parallel()
	g := startGateway(t, "handler", "--listen-proxy", "127.0.0.1:0")
	for _, version := range []string{"send-proxy", "send-proxy-v2"} {
		_, socket := startCheckingHAProxy(t, g.Proxy+" check check-send-proxy "+version, "option httpchk\n    default-server inter 20ms rise 1 fall 1")
		system.Eventually(t, "a check with "+version, func() bool { return health(t, socket) == "UP L7OK" })
	}
	clean(t, g)
}
