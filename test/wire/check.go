package wire

import (
	"bytes"
	"fmt"
	"slices"
)

// Check says what is wrong with an answer; nil if nothing is.
func (e *Expected) Check(a *Answer) error {
	if a.Status != e.Status {
		return fmt.Errorf("status %d, want %d; body %.200q", a.Status, e.Status, a.Body)
	}
	if e.Phrase != nil && a.Phrase != *e.Phrase {
		return fmt.Errorf("phrase %q, want %q", a.Phrase, *e.Phrase)
	}
	for _, f := range e.Has {
		if got := a.Values(f.Name); !slices.Equal(got, []string{f.Value}) {
			return fmt.Errorf("%s is %q, want one %q", f.Name, got, f.Value)
		}
	}
	for _, name := range e.Present {
		if got := a.Values(name); len(got) != 1 {
			return fmt.Errorf("%s is %q, want one", name, got)
		}
	}
	for _, name := range e.No {
		if got := a.Values(name); len(got) != 0 {
			return fmt.Errorf("%s is %q, want none", name, got)
		}
	}
	for _, f := range e.Trailers {
		if got := values(a.Trailers, f.Name); !slices.Equal(got, []string{f.Value}) {
			return fmt.Errorf("trailer %s is %q, want one %q", f.Name, got, f.Value)
		}
	}
	if e.Framing != "" && a.Framing != e.Framing {
		return fmt.Errorf("framing %s, want %s", a.Framing, e.Framing)
	}
	if e.CheckBody && (e.Starts && !bytes.HasPrefix(a.Body, e.Body) || !e.Starts && !bytes.Equal(a.Body, e.Body)) {
		return fmt.Errorf("body %.2000q, want %.2000q", a.Body, e.Body)
	}
	return nil
}
