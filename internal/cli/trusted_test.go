package cli

import (
	"fmt"
	"testing"
)

func TestTrustedNetworks(t *testing.T) {
	s := settleArgs(t, "--socket", "s", "--trusted", "10.0.0.0/8", "--trusted", "192.0.2.1", "--trusted", "unix", "--trusted", "2001:db8::/32",
		"--trusted", "::ffff:198.51.100.0/120", "--trusted", "::ffff:192.0.2.2", "--trusted", "::/0", "--request-id=false")
	want := "[10.0.0.0/8 192.0.2.1/32 2001:db8::/32 198.51.100.0/24 192.0.2.2/32 ::/0]"
	if e := s.engine.Settings; fmt.Sprint(e.Trusted) != want || !e.TrustUnix || e.RequestIDs {
		t.Errorf("trusted %v, unix %v, request ids %v; want %s", e.Trusted, e.TrustUnix, e.RequestIDs, want)
	}
	if e := settleArgs(t, "--socket", "s").engine.Settings; len(e.Trusted) != 0 || e.TrustUnix || !e.RequestIDs {
		t.Errorf("by default: %v, %v, %v", e.Trusted, e.TrustUnix, e.RequestIDs)
	}
}

// TestListenerForProxies: the default of --listen would be a way past them.
func TestListenerForProxies(t *testing.T) {
	if g := settleArgs(t, "--socket", "s", "--listen-proxy", "127.0.0.1:1").gateway; len(g.Listen) != 0 || len(g.ListenProxy) != 1 {
		t.Errorf("listen %q, for proxies %q", g.Listen, g.ListenProxy)
	}
	if g := settleArgs(t, "--socket", "s", "--listen-proxy", "127.0.0.1:1", "--listen", "127.0.0.1:2").gateway; len(g.Listen) != 1 || len(g.ListenProxy) != 1 {
		t.Errorf("listen %q, for proxies %q", g.Listen, g.ListenProxy)
	}
}
