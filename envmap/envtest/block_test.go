package envtest

import (
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/ring"
)

func TestBlockIsWhatTheRingReads(t *testing.T) {
	r := Request{
		Method: "POST", Target: "http://by.target/p%20q?x=1", HTTPS: true, Old: true,
		Fields: []envmap.Field{{Name: "host", Value: "by.field"}, {Name: "X-Own", Value: ""}},
		Body:   strings.NewReader("body"), Length: 4,
	}
	q, err := ring.ParseRequest(r.Block())
	if err != nil {
		t.Fatal(err)
	}
	for what, pair := range map[string][2]any{
		"method":    {q.Method(), ring.MethodPost},
		"name":      {string(q.MethodName()), "POST"},
		"target":    {string(q.Target()), r.Target},
		"path":      {string(q.Path()), "/p%20q"},
		"query":     {string(q.Query()), "x=1"},
		"authority": {string(q.Authority()), "by.target"},
		"https":     {q.HTTPS(), true},
		"version":   {q.Version(), uint8(0x10)},
		"length":    {q.ContentLength(), int64(4)},
		"remote":    {q.Remote(), defaultRemote},
		"local":     {q.Local(), defaultLocal},
		"fields":    {q.FieldCount(), 2},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s = %v, want %v", what, pair[0], pair[1])
		}
	}
	id, name, value := q.Field(0)
	if id != ring.NameHost || string(name) != "host" || string(value) != "by.field" {
		t.Errorf("field 0 = %d %q %q", id, name, value)
	}
	if id, name, value = q.Field(1); id != ring.NameOther || string(name) != "X-Own" || len(value) != 0 {
		t.Errorf("field 1 = %d %q %q", id, name, value)
	}
	if q, err = ring.ParseRequest((Request{Unix: true, Body: r.Body, Length: envmap.LengthUnknown}).Block()); err != nil {
		t.Fatal(err)
	}
	if q.Remote().IsValid() || q.ContentLength() != -1 || string(q.Authority()) != "" {
		t.Errorf("remote %v, length %d, authority %q", q.Remote(), q.ContentLength(), q.Authority())
	}
}
