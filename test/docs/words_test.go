package docs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"ringway/ring"
	"ringway/test/e2e/system"
)

// foreign are flags of programs that are not the gateway's.
var foreign = []string{"build", "detach", "now", "system", "no-create-home", "max-time", "mode", "release", "dispatch"}

// TestFlagsExist: what a page calls a flag is one.
func TestFlagsExist(t *testing.T) {
	reference, err := os.ReadFile(filepath.Join(root, "docs/reference.md"))
	if err != nil {
		t.Fatal(err)
	}
	word := regexp.MustCompile("(?:^|[ `(\"\\[])--([a-z][a-z-]*[a-z](?:-\\*)?)")
	for _, p := range pages(t) {
		if p.name != "README.md" && p.name != "docs/operate.md" && p.name != "docs/worker-guide.md" {
			continue
		}
		found := word.FindAllStringSubmatch(p.text, -1)
		if len(found) < 10 {
			t.Errorf("%s: %d flags", p.name, len(found))
		}
		for _, match := range found {
			name, several := strings.CutSuffix(match[1], "*")
			if !several {
				name += "`"
			}
			if !slices.Contains(foreign, match[1]) && !bytes.Contains(reference, []byte("`--"+name)) {
				t.Errorf("%s: there is no flag --%s", p.name, match[1])
			}
		}
	}
}

// TestMetricsAndPathsExist: what docs/operate.md tells to watch is served by a gateway that has had requests.
func TestMetricsAndPathsExist(t *testing.T) {
	operate, err := os.ReadFile(filepath.Join(root, "docs/operate.md"))
	if err != nil {
		t.Fatal(err)
	}
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--access-log", filepath.Join(t.TempDir(), "log")}})
	get := func(url string) string {
		answer, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	get(g.URL("/"))
	conn, err := net.Dial("tcp", g.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "no request\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 400 ") {
		t.Errorf("answer %q, %v", line, err)
	}
	metrics := get(g.Admin + "/metrics")
	names := regexp.MustCompile("`(ringway_[a-z_]+)(?:\\{([a-z]+)\\})?`").FindAllStringSubmatch(string(operate), -1)
	if len(names) < 20 {
		t.Errorf("%d metrics", len(names))
	}
	for _, name := range names {
		pattern := `(?m)^` + name[1] + `(_bucket)?(\{| )`
		if name[2] != "" {
			pattern = `(?m)^` + name[1] + `\{.*\b` + name[2] + `="`
		}
		if !regexp.MustCompile(pattern).MatchString(metrics) {
			t.Errorf("there is no metric %s", name[0])
		}
	}
	// config and reload cells of the page name fields of /stats.
	var stats map[string]json.RawMessage
	if err := json.Unmarshal([]byte(get(g.Admin+"/stats")), &stats); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(stats["config"]), `"needs_restart"`) || !strings.Contains(string(stats["loops"]), `"refused"`) {
		t.Errorf("/stats has no config.needs_restart, or no refused: %s", stats["config"])
	}
	g.Stop()
}

// TestSamplesOfConfigurationAreRight: the gateway accepts the arguments of the sample for Kubernetes.
func TestSamplesOfConfigurationAreRight(t *testing.T) {
	arguments := regexp.MustCompile(`args: \[serve, (.*)\]`)
	count := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks(t) {
			match := arguments.FindStringSubmatch(b.text)
			if match == nil {
				continue
			}
			count++
			all := []string{"config"}
			for argument := range strings.SplitSeq(match[1], ", ") {
				all = append(all, strings.Trim(argument, `"`))
			}
			if output, err := exec.Command(system.Programs.Gateway, all...).CombinedOutput(); err != nil {
				t.Errorf("%s: %q: %v\n%s", p.name, all, err, output)
			}
		}
	}
	if count != 1 {
		t.Errorf("%d samples", count)
	}
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestLinksLead: to files that exist, and to headings in them.
func TestLinksLead(t *testing.T) {
	for _, p := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(p.text, -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(match[1], "#")
			target := filepath.Join(filepath.Dir(p.name), file)
			if file == "" {
				target = p.name
			}
			text, err := os.ReadFile(filepath.Join(root, target))
			if err != nil {
				if info, statErr := os.Stat(filepath.Join(root, target)); statErr != nil || !info.IsDir() || anchor != "" {
					t.Errorf("%s: %s leads nowhere", p.name, match[1])
				}
				continue
			}
			if anchor != "" && !slices.Contains(anchors(string(text)), anchor) {
				t.Errorf("%s: %s has no heading #%s", p.name, target, anchor)
			}
		}
	}
}

// anchors are the names of a page's headings, as GitHub makes them.
func anchors(text string) []string {
	var names []string
	for line := range strings.Lines(text) {
		title, found := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
		if !found || !strings.HasPrefix(line, "#") {
			continue
		}
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(title))
		names = append(names, name)
	}
	return names
}

// TestMemoryIsAsTold: the figures of docs/operate.md for the segments of a worker are those of the layout.
func TestMemoryIsAsTold(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/operate.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		exchanges, arena int // bytes
		format           string
	}{{1024, 16 << 20, "that is %.1f MiB for each worker and loop"}, {64, 1 << 20, "it is some %.0f MiB a loop"}} {
		g := ring.Geometry{Lanes: 1, RingSlots: 4 * c.exchanges, ExchangeSlots: c.exchanges, ArenaUnits: c.arena / ring.Unit}
		want := fmt.Sprintf(c.format, float64(g.InboundSize()+g.OutboundSize())/(1<<20))
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/operate.md does not say %q", want)
		}
	}
}
