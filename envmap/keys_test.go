package envmap_test

import (
	"strings"
	"testing"

	"ringway/envmap"
)

func TestKnownKeysAreFoundByTheirExactName(t *testing.T) {
	for i, key := range envmap.KnownNames {
		if got, ok := envmap.Lookup(key); !ok || got != i {
			t.Errorf("lookup(%q) = %d, %v, want %d", key, got, ok, i)
		}
		for _, other := range []string{strings.ToLower(key), strings.ToUpper(key), key + " ", key[1:]} {
			if _, ok := envmap.Lookup(other); ok {
				t.Errorf("lookup(%q) found a key", other)
			}
		}
	}
}
