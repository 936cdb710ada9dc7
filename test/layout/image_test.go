package layout

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ringway/ring"
)

// The golden segments all have this geometry.
var golden = ring.Geometry{Lanes: 2, RingSlots: 64, ExchangeSlots: 4, ArenaUnits: 64}

const row = 16 // bytes of a line

// formatImage writes a segment as lines of an offset, up to 16 bytes in hex, and what they are; rows of zeros are left
// out.
func formatImage(name string, segment []byte, place func(offset int) string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "segment %s %d\n", name, len(segment))
	zero := make([]byte, row)
	last := ""
	for at := 0; at < len(segment); at += row {
		piece := segment[at:min(at+row, len(segment))]
		if bytes.Equal(piece, zero[:len(piece)]) {
			continue
		}
		what := place(at)
		if what != last {
			fmt.Fprintf(&text, "# %s\n", what)
			last = what
		}
		fmt.Fprintf(&text, "%06x", at)
		for i := 0; i < len(piece); i += 4 {
			fmt.Fprintf(&text, " %x", piece[i:min(i+4, len(piece))])
		}
		fmt.Fprintf(&text, "  # %s\n", printable(piece))
	}
	return text.String()
}

func printable(piece []byte) string {
	text := bytes.Clone(piece)
	for i, c := range text {
		if c < ' ' || c > '~' {
			text[i] = '.'
		}
	}
	return string(text)
}

// parseImages reads what formatImage wrote.
func parseImages(t *testing.T, text string) map[string][]byte {
	t.Helper()
	images := map[string][]byte{}
	var image []byte
	for number, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		var at, size int
		if words[0] == "segment" && len(words) == 3 {
			if _, err := fmt.Sscan(words[2], &size); err != nil {
				t.Fatalf("line %d: %v", number+1, err)
			}
			image = ring.AlignedHeap(size)
			images[words[1]] = image
			continue
		}
		if _, err := fmt.Sscanf(words[0], "%x", &at); err != nil {
			t.Fatalf("line %d: %v", number+1, err)
		}
		piece, err := hex.DecodeString(strings.Join(words[1:], ""))
		if err != nil || at+len(piece) > len(image) {
			t.Fatalf("line %d: %d bytes at %#x of %d, %v", number+1, len(piece), at, len(image), err)
		}
		copy(image[at:], piece)
	}
	return images
}

// part is an array of a lane part.
type part struct {
	name    string
	offset  uint64
	element uint64
}

// placeIn names the places of a segment.
func placeIn(lane func(i int) []byte, parts []part) func(int) string {
	stride := len(lane(0))
	return func(offset int) string {
		if offset < ring.Page {
			return "header"
		}
		index, at := (offset-ring.Page)/stride, uint64((offset-ring.Page)%stride)
		what := ""
		for _, p := range parts {
			if at >= p.offset {
				what = fmt.Sprintf("lane %d %s %d", index, p.name, (at-p.offset)/p.element)
			}
		}
		return what
	}
}

func placeInbound(segment []byte) func(int) string {
	d := derived(golden)
	return placeIn(func(i int) []byte { return golden.InboundLane(segment, i) }, []part{
		{"word", 0, 128}, {"event", d["in_events"], ring.EventSize}, {"returns from", d["in_returns"], row}, {"unit", d["in_arena"], ring.Unit},
	})
}

func placeOutbound(segment []byte) func(int) string {
	d := derived(golden)
	return placeIn(func(i int) []byte { return golden.OutboundLane(segment, i) }, []part{
		{"word", 0, 128}, {"claim", d["out_claims"], ring.ClaimStride}, {"event", d["out_events"], ring.EventSize},
		{"returns from", d["out_returns"], row}, {"unit", d["out_arena"], ring.Unit},
	})
}

// segments are a pair of images.
type segments struct{ inbound, outbound []byte }

func (s segments) clone() segments {
	c := segments{ring.AlignedHeap(len(s.inbound)), ring.AlignedHeap(len(s.outbound))}
	copy(c.inbound, s.inbound)
	copy(c.outbound, s.outbound)
	return c
}

func (s segments) String() string {
	return formatImage("inbound", s.inbound, placeInbound(s.inbound)) + formatImage("outbound", s.outbound, placeOutbound(s.outbound))
}

// isGolden compares a text with a golden file, or rewrites the file with -update.
func isGolden(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) == text {
		return
	}
	wanted, got := strings.Split(string(want), "\n"), strings.Split(text, "\n")
	for i := range max(len(wanted), len(got)) {
		var w, g string
		if i < len(wanted) {
			w = wanted[i]
		}
		if i < len(got) {
			g = got[i]
		}
		if w != g {
			t.Fatalf("%s line %d:\n got %q\nwant %q", file, i+1, g, w)
		}
	}
}

// loadGolden reads the segments of a golden file.
func loadGolden(t *testing.T, name string) segments {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	images := parseImages(t, string(text))
	s := segments{images["inbound"], images["outbound"]}
	if len(s.inbound) != golden.InboundSize() || len(s.outbound) != golden.OutboundSize() {
		t.Fatalf("%s: %d and %d bytes, want %d and %d", name, len(s.inbound), len(s.outbound), golden.InboundSize(), golden.OutboundSize())
	}
	return s
}
