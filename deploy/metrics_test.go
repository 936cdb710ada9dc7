package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"ringway/internal/admin"
)

// served are the names of all series that /metrics has; histograms have three.
func served(t *testing.T) map[string]bool {
	t.Helper()
	var page strings.Builder
	if err := admin.WriteMetrics(&page); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{"up": true, "process_cpu_seconds_total": true, "process_resident_memory_bytes": true}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\|").FindAllStringSubmatch(page.String(), -1) {
		if m[2] != "histogram" {
			names[m[1]] = true
			continue
		}
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			names[m[1]+suffix] = true
		}
	}
	if len(names) < 50 {
		t.Fatalf("only %d metrics", len(names))
	}
	return names
}

var (
	seriesName = regexp.MustCompile(`\b(?:ringway|process|go|up)(?:_\w+)?\b`)
	quoted     = regexp.MustCompile(`"[^"]*"`)
)

// checkExpression: all metrics that it names are served. It returns how many there are.
func checkExpression(t *testing.T, names map[string]bool, where, expression string) int {
	t.Helper()
	found := seriesName.FindAllString(quoted.ReplaceAllString(expression, `""`), -1)
	for _, name := range found {
		if !names[name] {
			t.Errorf("%s: %s is no metric of the gateway, in %s", where, name, expression)
		}
	}
	if len(found) == 0 {
		t.Errorf("%s: %s names no metric", where, expression)
	}
	return len(found)
}

type panel struct {
	ID      int    `json:"id"`
	Type    string `json:"type"`
	Title   string `json:"title"`
	GridPos struct{ X, Y, W, H int }
	Targets []struct {
		Expr string `json:"expr"`
	} `json:"targets"`
}

func TestTheDashboardIsRight(t *testing.T) {
	text, err := os.ReadFile("grafana/ringway.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Title, UID string
		Panels     []panel
		Templating struct{ List []struct{ Name string } }
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	names, ids, rules := served(t), make(map[int]bool), &strings.Builder{}
	taken := make(map[[2]int]string)
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.ID == 0 || p.Title == "" {
			t.Errorf("panel %d %q: another has its number, or it has no title", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%q lies over %q or beside the page", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if len(p.Targets) == 0 {
			t.Errorf("%q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			checkExpression(t, names, p.Title, target.Expr)
			plain := strings.ReplaceAll(target.Expr, "$__rate_interval", "1m")
			encoded, _ := json.Marshal(plain) // a JSON string is a YAML one
			rules.WriteString("  - record: x\n    expr: " + string(encoded) + "\n    labels: {of: \"" + string(rune('a'+p.ID%26)) + "\"}\n")
		}
	}
	if dashboard.UID != "ringway" || len(ids) < 20 || len(dashboard.Templating.List) != 3 {
		t.Errorf("dashboard %q with %d panels and %d variables", dashboard.UID, len(ids), len(dashboard.Templating.List))
	}
	// Prometheus itself reads the expressions.
	path := t.TempDir() + "/dashboard.yml"
	if err := os.WriteFile(path, []byte(rules.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", "--lint=none", path)
}

func promtool(t *testing.T, arguments ...string) {
	t.Helper()
	if out, err := exec.Command("promtool", arguments...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(arguments, " "), err, out)
	}
}

func TestTheRulesAreRight(t *testing.T) {
	promtool(t, "check", "rules", "prometheus/ringway-rules.yml")
	promtool(t, "test", "rules", "prometheus/ringway-rules_test.yml")
	text, err := os.ReadFile("prometheus/ringway-rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	// An expression goes on to the next key.
	expressions := regexp.MustCompile(`(?s)\n        expr: (.*?)\n        \w+:`).FindAllStringSubmatch(string(text), -1)
	if alerts := strings.Count(string(text), "- alert: "); alerts < 10 || len(expressions) != alerts {
		t.Fatalf("%d alerts, %d expressions", alerts, len(expressions))
	}
	names := served(t)
	for _, e := range expressions {
		checkExpression(t, names, "rules", e[1])
	}
}

// TestNamesAreChecked: the two tests above would find a metric that does not exist.
func TestNamesAreChecked(t *testing.T) {
	names := served(t)
	for expression, want := range map[string]bool{
		`rate(ringway_requests_total{job="x"}[5m])`: true, `ringway_request_queue_seconds_bucket`: true, `ringway_nope`: false,
		`ringway_request_queue_seconds`: false, `sum(ringway_requests)`: false,
	} {
		found := seriesName.FindString(quoted.ReplaceAllString(expression, ""))
		if names[found] != want {
			t.Errorf("%s: %q is served: %v, want %v", expression, found, names[found], want)
		}
	}
}
