package upgrade

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ringway/test/e2e/system"
)

// TestAnotherConfiguration: the new gateway reads its file anew. Addresses that stay keep their sockets, also with another
// number of loops; what waits at one that goes is still answered.
func TestAnotherConfiguration(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	config, path := filepath.Join(directory, "gw.toml"), filepath.Join(directory, "more")
	write := func(format string, arguments ...any) {
		t.Helper()
		if err := os.WriteFile(config, fmt.Appendf(nil, format, arguments...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("loops = 1\nlisten-proxy = ['unix:%s']", path)
	g := start(t, system.Options{Supervised: true, Flags: []string{"--config", config}})
	crowd := gather(t, 32, g.addresses()...)
	for _, loops := range []int{3, 2, 5, 1} {
		crowd.waitForEach()
		more := ""
		if loops == 2 {
			more = "listen-proxy = ['unix:" + path + "']\n"
		}
		write("loops = %d\n%s[native-path]\n'/loops' = '%d'", loops, more, loops)
		g.upgrade(false)
		if _, err := os.Lstat(path); (err == nil) != (loops == 2) {
			t.Errorf("with %d loops the path of the other listener: %v", loops, err)
		}
		if n := len(g.Stats().Loops); n != loops {
			t.Errorf("%d loops, expected %d", n, loops)
		}
		c := connect(t, g)
		c.send("GET /loops HTTP/1.1\r\nHost: x\r\n\r\n")
		c.expect(fmt.Sprint(loops))
		_ = c.conn.Close()
	}
	crowd.waitForEach()
	g.waitAlone()
	crowd.disperse()
	g.finish()
}

// TestAnotherSocketIsRefused: workers would not find it.
func TestAnotherSocketIsRefused(t *testing.T) {
	t.Parallel()
	g := start(t, system.Options{Supervised: true})
	output, err := g.command("upgrade", script(t, "exec "+system.Programs.Gateway+` serve --listen 127.0.0.1:0 --socket `+t.TempDir()+"/other"))
	if err == nil || !strings.Contains(output, "expected the one that workers know") {
		t.Errorf("%v, %q, expected a failure that names the path", err, output)
	}
	for _, path := range []string{g.Socket, g.Socket + ".lock", g.unix, g.unix + ".lock"} {
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("the gateway that failed has removed something: %v", err)
		}
	}
	g.finish()
}

// TestSocketsOfTheServiceManager go from gateway to gateway.
func TestSocketsOfTheServiceManager(t *testing.T) {
	t.Parallel()
	var passed []*os.File
	var addresses [][2]string
	path := filepath.Join(t.TempDir(), "h")
	for _, address := range [][2]string{{"tcp", "127.0.0.1:0"}, {"unix", path}} {
		l, err := net.Listen(address[0], address[1])
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addresses = append(addresses, [2]string{address[0], l.Addr().String()})
		file, err := l.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		passed = append(passed, os.NewFile(file.Fd(), "s"+address[0]))
	}
	g := start(t, system.Options{
		Supervised: true, Passed: passed, Listen: "systemd:stcp", Flags: []string{"--listen", "systemd:sunix", "--loops", "2"},
	})
	crowd := gather(t, 16, addresses...)
	for range 3 {
		crowd.waitForEach()
		g.upgrade(false)
	}
	crowd.waitForEach()
	g.waitAlone()
	crowd.disperse()
	g.finish()
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		t.Error("the service manager's socket was removed")
	}
}
