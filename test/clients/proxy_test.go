package clients

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ringway/test/e2e/system"
)

// proxy is a program in front of a gateway.
type proxy struct {
	name  string
	start func(t *testing.T, gateway string) (addr string)
	loses feature // what does not get through
}

var proxies = []proxy{
	// It answers 100 itself, and knows of no trailers and interim responses.
	{"nginx", startNginx, sendsTrailers | readsTrailers | seesInterim},
	{"haproxy", startHAProxy, 0},
}

// reserve keeps a port for a program that binds it with SO_REUSEPORT: this socket does not listen, so all connections
// come to the program.
func reserve(t *testing.T) (addr string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", itoa(name.(*unix.SockaddrInet4).Port))
}

// startServer starts a program and waits until it listens.
func startServer(t *testing.T, addr, program string, arguments ...string) {
	t.Helper()
	p := system.Start(t, nil, command(t, program), arguments...)
	system.Eventually(t, program+" listens", func() bool {
		if p.Ended() {
			t.Fatalf("%s has ended: %s", program, p.Stderr())
		}
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
}

// configure writes a configuration file with words replaced.
func configure(t *testing.T, text string, words ...string) (directory, name string) {
	t.Helper()
	directory = t.TempDir()
	name = filepath.Join(directory, "configuration")
	text = strings.NewReplacer(append(words, "DIRECTORY", directory)...).Replace(text)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return directory, name
}

// nginxConfiguration: below / everything streams through kept connections; below /old/ nginx does as it does when nobody
// tells it anything, that is HTTP/1.0, a connection for each request and buffers; /kept/ is between them.
const nginxConfiguration = `
daemon off;
master_process off;
pid DIRECTORY/pid;
error_log stderr warn;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path DIRECTORY/body;
    proxy_temp_path DIRECTORY/proxy;
    fastcgi_temp_path DIRECTORY/fastcgi;
    uwsgi_temp_path DIRECTORY/uwsgi;
    scgi_temp_path DIRECTORY/scgi;
    client_max_body_size 64m;
    upstream gateway {
        server GATEWAY;
        keepalive 16;
        keepalive_requests 1000000000;
    }
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    server {
        listen ADDRESS reuseport;
        location / {
            proxy_pass http://gateway;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_request_buffering off;
            proxy_buffering off;
        }
        location /kept/ {
            proxy_pass http://gateway/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
        location /old/ { proxy_pass http://gateway/; }
    }
}
`

func startNginx(t *testing.T, gateway string) string {
	t.Helper()
	addr := reserve(t)
	_, name := configure(t, nginxConfiguration, "GATEWAY", gateway, "ADDRESS", addr)
	startServer(t, addr, "nginx", "-e", "stderr", "-c", name)
	return addr
}

const haproxyConfiguration = `
global
    nbthread 1
    maxconn 256
    stats socket DIRECTORY/stats mode 600 level user
defaults
    mode MODE
    no log
    timeout connect 20s
    timeout client 40s
    timeout server 40s
frontend clients
    bind ADDRESS
    FORWARD
    default_backend gateway
backend gateway
    CHECK
    server gateway GATEWAY
`

func startHAProxy(t *testing.T, gateway string) string {
	t.Helper()
	addr, _ := startCheckingHAProxy(t, gateway, "")
	return addr
}

// startCheckingHAProxy starts one with lines of its own for health checks. The server may have options behind its address.
func startCheckingHAProxy(t *testing.T, server, check string) (addr, socket string) {
	t.Helper()
	return startHAProxyAs(t, "http", server, check+"\n    http-reuse always", "option forwardfor\n    http-request set-header X-Forwarded-Proto http")
}

func startHAProxyAs(t *testing.T, mode, server, check, forward string) (addr, socket string) {
	t.Helper()
	addr = reserve(t)
	directory, name := configure(t, haproxyConfiguration, "MODE", mode, "CHECK", check, "GATEWAY", server, "ADDRESS", addr, "FORWARD", forward)
	startServer(t, addr, "haproxy", "-db", "-f", name)
	socket = filepath.Join(directory, "stats")
	system.Eventually(t, "HAProxy's own socket", func() bool { // it has its name before it listens
		conn, err := net.Dial("unix", socket)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	return addr, socket
}

// eachProxy runs a test behind each proxy.
func eachProxy(t *testing.T, test func(t *testing.T, p proxy, g *system.Gateway, addr string), flags ...string) {
	t.Parallel()
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			g := startGateway(t, "handler", flags...)
			test(t, p, g, p.start(t, g.Addr))
			clean(t, g)
		})
	}
}

// TestProxies: all that clients can ask for directly comes through a proxy, and the proxy keeps its connection.
func TestProxies(t *testing.T) {
	eachProxy(t, func(t *testing.T, p proxy, g *system.Gateway, addr string) {
		for _, c := range clients[:2] {
			before := accepted(g)
			t.Run(c.name, func(t *testing.T) {
				c.play(t, "http://"+addr, false, possible(kept(), (c.can|handlerOnly)&^p.loses))
			})
			if got := accepted(g) - before; got > 1 {
				t.Errorf("%d connections were opened for one client after the other, want at most 1", got)
			}
		}
	})
}
