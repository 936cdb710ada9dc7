package ring_test

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"

	"ringway/ring"
	"ringway/ring/ringtest"
)

var sample = ringtest.Request{
	Method: "PROPFIND", Target: "/a?b=c", Fields: []string{"Host", "h:1", "ACCEPT", "x", "X-Own", "y", "Empty", ""},
	Chunked: true, HTTPS: true, Expect: true, Version: 0x10,
	Remote: netip.MustParseAddrPort("192.0.2.9:1234"), Local: netip.MustParseAddrPort("[::1]:443"),
}

func TestRequest(t *testing.T) {
	r, err := ring.ParseRequest(sample.Encode())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		got  []byte
		want string
	}{
		{"method", r.MethodName(), "PROPFIND"}, {"target", r.Target(), "/a?b=c"}, {"path", r.Path(), "/a"}, {"query", r.Query(), "b=c"},
		{"authority", r.Authority(), "h:1"},
	} {
		if string(c.got) != c.want {
			t.Errorf("%s %q, want %q", c.what, c.got, c.want)
		}
	}
	if r.Method() != ring.MethodOther || r.Version() != 0x10 || !r.HTTPS() || r.ContentLength() != -1 || r.FieldCount() != 4 ||
		r.Remote() != sample.Remote || r.Local() != sample.Local || !ring.ExpectsContinue(r.Bytes()) {
		t.Errorf("%x", r.Bytes())
	}
	text := r.CopyText()
	for i, want := range []struct {
		id          ring.Name
		name, value string
	}{{ring.NameHost, "Host", "h:1"}, {ring.NameAccept, "ACCEPT", "x"}, {0, "X-Own", "y"}, {0, "Empty", ""}} {
		id, name, value := r.Field(i)
		if id != want.id || string(name) != want.name || string(value) != want.value {
			t.Errorf("field %d: %d %q %q", i, id, name, value)
		}
		if id, _, value := text.Field(r, i); id != want.id || value != want.value {
			t.Errorf("copied field %d: %d %q", i, id, value)
		}
	}
}

func TestRequestRefuses(t *testing.T) {
	good := sample.Encode()
	for name, spoil := range map[string]func([]byte) []byte{
		"short":       func(b []byte) []byte { return b[:103] },
		"size":        func(b []byte) []byte { return b[:len(b)-1] },
		"fields":      func(b []byte) []byte { b[5] = 0xff; return b },
		"span":        func(b []byte) []byte { b[36+3] = 0xff; return b },
		"span wraps":  func(b []byte) []byte { copy(b[32:], []byte{0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0}); return b },
		"field name":  func(b []byte) []byte { b[104+3] = 1; return b },
		"field value": func(b []byte) []byte { b[104+12+2] = 1; return b },
		"field id":    func(b []byte) []byte { b[104+6] = byte(ring.NameCount); return b },
	} {
		if _, err := ring.ParseRequest(spoil(bytes.Clone(good))); !errors.Is(err, ring.ErrFault) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// No block makes an accessor panic or leave the block, also when it changes after it was checked.
func FuzzRequest(f *testing.F) {
	f.Add(sample.Encode(), 110, byte(0xff))
	f.Fuzz(func(t *testing.T, block []byte, at int, value byte) {
		r, err := ring.ParseRequest(block)
		if err != nil {
			return
		}
		for range 2 {
			text := r.CopyText()
			_, _, _, _, _ = r.MethodName(), r.Target(), r.Path(), r.Query(), r.Authority()
			_, _, _, _ = r.Remote(), r.Local(), text.Target(r), r.ContentLength()
			for i := range min(r.FieldCount(), (len(block)-104)/16) {
				_, _, _ = r.Field(i)
				_, _, _ = text.Field(r, i)
			}
			if at < 104 || at >= len(block) { // the head itself is read-only for both
				return
			}
			block[at] = value
		}
	})
}

func FuzzFieldList(f *testing.F) {
	f.Add(ring.AppendField(ring.AppendField(nil, ring.NameHost, "", "h"), 0, "X-Own", "value"))
	f.Fuzz(func(t *testing.T, list []byte) {
		for len(list) > 0 {
			id, name, value, rest, err := ring.NextField(list)
			if err != nil {
				return
			}
			if again := ring.AppendField(nil, id, string(name), string(value)); !bytes.Equal(again, list[:len(list)-len(rest)]) {
				t.Fatalf("%x became %x", list, again)
			}
			list = rest
		}
	})
}

func TestFieldList(t *testing.T) {
	list := ring.AppendField(nil, ring.NameEtag, "ETag", "\"1\"")
	list = ring.AppendField(list, ring.NameOther, "X-Own", "")
	want := []byte{30, 0, 0, 0, 3, 0, 0, 0, '"', '1', '"', 0, 0, 5, 0, 0, 0, 0, 0, 'X', '-', 'O', 'w', 'n'}
	if !bytes.Equal(list, want) {
		t.Errorf("%v, want %v", list, want)
	}
	for _, bad := range [][]byte{list[:7], list[:10], {59, 0, 0, 0, 0, 0, 0, 0}, {30, 0, 1, 0, 0, 0, 0, 0, 'x'}, {0, 0, 0, 0, 0, 0, 0, 0}} {
		if _, _, _, _, err := ring.NextField(bad); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}

func TestNames(t *testing.T) {
	for n := ring.NameOther + 1; n < ring.NameCount; n++ {
		upper := bytes.ToUpper([]byte(n.Lower()))
		for _, s := range []string{n.Canonical(), n.Lower(), string(upper)} {
			if got := ring.LookupName(s); got != n {
				t.Errorf("%q is %d, want %d", s, got, n)
			}
		}
		if ring.LookupName(n.Canonical()+"x") == n {
			t.Errorf("%q with a letter more is the same", n.Canonical())
		}
	}
	for _, s := range []string{"", "x", "X-Own", "content\x0dtype", "Content_Type"} {
		if got := ring.LookupName(s); got != ring.NameOther {
			t.Errorf("%q is %d", s, got)
		}
	}
	b := []byte("CONTENT-TYPE")
	if n := testing.AllocsPerRun(100, func() { ring.LookupName(b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLookupName(b *testing.B) {
	for b.Loop() {
		ring.LookupName("Content-Type")
		ring.LookupName("X-Unknown-Name")
	}
}
