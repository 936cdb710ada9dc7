package cli

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestReferenceIsUpToDate(t *testing.T) {
	var want bytes.Buffer
	if err := WriteReference(&want); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/reference.md")
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("docs/reference.md is not what the flags say (%v): run make reference", err)
	}
}

// TestReferenceTellsWhatChangesLive: samples of what the comments of deploy/gateway.toml say.
func TestReferenceTellsWhatChangesLive(t *testing.T) {
	for name, want := range map[string]bool{
		"listen": false, "admin": false, "socket": false, "workers": false, "arena-size": false, "probe": false, "access-log": false,
		"socket-user": true, "max-workers": true, "memory-limit": true, "static": true, "static-index": true, "queue-deadline": true,
		"log-format": true, "trusted": true, "worker-max-age": true, "drain-limit": true,
	} {
		if got, err := changesLive(name); err != nil || got != want {
			t.Errorf("--%s changes live: %v (%v), want %v", name, got, err, want)
		}
	}
}

// TestFlagsAreWellDescribed: placeholders are in capitals, so that backquotes are used for nothing else.
func TestFlagsAreWellDescribed(t *testing.T) {
	capitals := regexp.MustCompile(`^[A-Z]+(=[A-Z]+)?$`)
	for _, c := range commands() {
		c.eachFlag(func(flag *pflag.Flag) {
			placeholder, usage := pflag.UnquoteUsage(flag)
			if strings.Contains(flag.Usage, "`") && !capitals.MatchString(placeholder) {
				t.Errorf("%s: --%s has placeholder %q, want capitals", c.name, flag.Name, placeholder)
			}
			if usage == "" {
				t.Errorf("%s: --%s has no description", c.name, flag.Name)
			}
		})
	}
}

func TestBoundsAreOfFlags(t *testing.T) {
	o := &options{}
	f := serveFlags(o)
	for _, b := range o.bounds() {
		if f.Lookup(b.name) == nil {
			t.Errorf("there is a bound for --%s, but no such flag", b.name)
		}
	}
	for text, want := range map[string]string{"1m0s": "1m", "24h0m0s": "24h", "10s": "10s", "0s": "0s", "1h1m0s": "1h1m", "64KiB": "64KiB"} {
		if got := tidy(text); got != want {
			t.Errorf("%s becomes %s, want %s", text, got, want)
		}
	}
}
