package requestblock

import (
	"net/netip"
	"strings"
	"testing"

	"ringway/ring"
)

func TestMake(t *testing.T) {
	remote := netip.MustParseAddrPort("[2001:db8::1]:7")
	head := ring.RequestHead{Version: 0x11, Remote: Endpoint(remote), Local: Endpoint(netip.AddrPort{})}
	text := Text{Method: "PUT", Target: "/a%20b?c", Path: "/a%20b", Query: "c", Authority: "h"}
	b, err := Make(head, text, []Field{{"host", "h"}, {"X-Own", ""}})
	if err != nil {
		t.Fatal(err)
	}
	q, err := ring.ParseRequest(b)
	if err != nil {
		t.Fatal(err)
	}
	got := Text{string(q.MethodName()), string(q.Target()), string(q.Path()), string(q.Query()), string(q.Authority())}
	if got != text || q.Method() != ring.MethodPut || q.FieldCount() != 2 || q.Remote() != remote || q.Local().IsValid() {
		t.Errorf("%+v, method %d, %d fields, remote %v, local %v", got, q.Method(), q.FieldCount(), q.Remote(), q.Local())
	}
	if id, name, value := q.Field(0); id != ring.NameHost || string(name) != "host" || string(value) != "h" {
		t.Errorf("field 0 is %d %q %q", id, name, value)
	}
	if id, name, value := q.Field(1); id != ring.NameOther || string(name) != "X-Own" || len(value) > 0 {
		t.Errorf("field 1 is %d %q %q", id, name, value)
	}
	for what, fields := range map[string][]Field{
		"65536 fields": make([]Field, 1<<16), "name of 65536 bytes": {{Name: strings.Repeat("n", 1<<16)}},
	} {
		if _, err := Make(head, text, fields); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
