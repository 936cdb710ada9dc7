package envmap

import (
	"net/url"
	"testing"
)

func TestAppendDecoded(t *testing.T) {
	for raw, want := range map[string]string{
		"": "", "a": "a", "%41": "A", "%4": "%4", "%": "%", "%%41": "%A", "%4g%41": "%4gA", "x%2fy%2Fz": "x/y/z",
	} {
		if got := string(appendDecoded([]byte("pre"), []byte(raw))); got != "pre"+want {
			t.Errorf("appendDecoded(%q) = %q, want %q", raw, got, want)
		}
	}
}

func FuzzAppendDecoded(f *testing.F) {
	f.Add("/a%20b")
	f.Add("%zz%00%")
	f.Fuzz(func(t *testing.T, raw string) {
		got := string(appendDecoded(nil, []byte(raw)))
		if want, err := url.PathUnescape(raw); err == nil && got != want {
			t.Errorf("appendDecoded(%q) = %q, net/url has %q", raw, got, want)
		}
		if back := url.PathEscape(raw); string(appendDecoded(nil, []byte(back))) != raw {
			t.Errorf("%q does not come back from %q", raw, back)
		}
	})
}
