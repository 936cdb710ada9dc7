package envmap

import (
	"net/http"
	"strings"
	"testing"
)

func TestEqualFold(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"", "", true}, {"Accept", "aCCEPT", true}, {"a", "ab", false}, {"a-b", "a_b", false},
		{"K", "\u212a", false}, {"@", "`", false}, {"[", "{", false},
	} {
		if equalFold(c.a, c.b) != c.want || equalFold([]byte(c.a), c.b) != c.want {
			t.Errorf("equalFold(%q, %q) != %v", c.a, c.b, c.want)
		}
	}
}

func TestLowerName(t *testing.T) {
	for _, s := range []string{"", "abc", "Abc-DEF", "x-Ä"} {
		want := strings.Map(func(r rune) rune {
			if r < 0x80 {
				return rune(lower(byte(r)))
			}
			return r
		}, s)
		if got := lowerName(s); got != want {
			t.Errorf("lowerName(%q) = %q, want %q", s, got, want)
		}
	}
}

// TestValidName compares with net/http, which refuses to canonicalise what is no token.
func TestValidName(t *testing.T) {
	for c := range 256 {
		name := string([]byte{'a', byte(c)})
		token := http.CanonicalHeaderKey(name) != name // 'a' becomes 'A' in a token
		if validName(name) != token {
			t.Errorf("validName(%q) = %v", name, !token)
		}
	}
	if validName("") {
		t.Error("the empty name is valid")
	}
}

func TestValidValue(t *testing.T) {
	for value, want := range map[string]bool{
		"": true, "a\tb": true, "caf\xc3\xa9": true, "a\nb": false, "a\rb": false, "a\x00b": false,
	} {
		if validValue(value) != want {
			t.Errorf("validValue(%q) = %v", value, !want)
		}
	}
}
