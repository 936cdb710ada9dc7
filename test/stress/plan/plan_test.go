package plan

import (
	"bytes"
	"testing"
)

func TestTarget(t *testing.T) {
	for _, p := range []Plan{{}, {1, 2, 3, 4, 5}, {1<<60 - 1, MaxSize, MaxSize, Midway, 1<<32 - 1}} {
		target := p.AppendTarget(nil)
		if got, err := Parse(target); got != p || err != nil {
			t.Errorf("%s: %+v, %v", target, got, err)
		}
		if got, err := Parse(string(target)); got != p || err != nil {
			t.Errorf("%s: %+v, %v", target, got, err)
		}
	}
	for _, bad := range []string{"", "/", "1/2/3/4/5", "/1/2/3/4", "/1/2/3/4/5/6", "/1/2/3/b/5", "/1/4b001/3/4/5", "/1/2/3/4/100000000", "/1/2/3/4/g"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestBodiesDiffer(t *testing.T) {
	seen := map[string]uint64{}
	for id := range uint64(1000) {
		p := Plan{ID: id, Up: 16, Down: MaxSize}
		for _, b := range [][]byte{p.Request(), p.Answer()[:16]} {
			if other, found := seen[string(b)]; found {
				t.Errorf("%d has a body of %d", id, other)
			}
			seen[string(b)] = id
		}
		if len(p.Answer()) != MaxSize || !bytes.Equal(p.Request(), p.Request()) {
			t.Errorf("%d: %d bytes", id, len(p.Answer()))
		}
	}
}
