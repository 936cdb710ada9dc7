package admin

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"ringway/internal/engine"
)

type snapshotHost struct {
	fakeHost
	snapshot Snapshot
}

func (h snapshotHost) Snapshot() Snapshot { return h.snapshot }

func metricsOf(t *testing.T, s Snapshot) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	Handler(snapshotHost{snapshot: s}).ServeHTTP(recorder, httptest.NewRequest("GET", "/metrics", nil))
	if recorder.Code != 200 {
		t.Fatalf("status %d: %s", recorder.Code, recorder.Body)
	}
	return recorder.Body.String()
}

// distinct gives every number of a struct a value of its own, and tells which field has which.
func distinct(of any, from int) map[string]int {
	names := make(map[string]int)
	v := reflect.ValueOf(of).Elem()
	for i := range v.NumField() {
		switch field := v.Field(i); field.Kind() {
		case reflect.Uint64:
			field.SetUint(uint64(from + i))
		case reflect.Int:
			field.SetInt(int64(from + i))
		default:
			continue
		}
		names[v.Type().Field(i).Name] = from + i
	}
	return names
}

// TestMetricsLeaveNothingOut: whatever /stats counts for a loop or a lane is in /metrics.
func TestMetricsLeaveNothingOut(t *testing.T) {
	var s Snapshot
	var loop engine.LoopStats
	var lane engine.LaneStats
	all := []map[string]int{distinct(&loop, 710_000), distinct(&lane, 720_000)}
	s.Loops, s.Lanes = []engine.LoopStats{loop}, []engine.LaneStats{lane}
	text := metricsOf(t, s)
	for _, names := range all {
		for name, value := range names {
			if name != "Index" && name != "Worker" && name != "Loop" && !strings.Contains(text, fmt.Sprintf("} %d\n", value)) {
				t.Errorf("%s is in no metric", name)
			}
		}
	}
}

// TestEveryDefinitionIsUsed, or the page would promise what nobody gets.
func TestEveryDefinitionIsUsed(t *testing.T) {
	text := metricsOf(t, full())
	for _, d := range definitions {
		if !strings.Contains(text, "\n# TYPE "+d.name+" "+string(d.kind)+"\n") {
			t.Errorf("%s is not in the metrics of a full snapshot as a %s", d.name, d.kind)
		}
	}
}

// TestMetricsBearHostileNames: a worker says what its release is called.
func TestMetricsBearHostileNames(t *testing.T) {
	s := full()
	name := "r\xff\"\n}"
	s.Workers[0].Release, s.Supervisors[0].Release = name, name
	if text := metricsOf(t, s); !strings.Contains(text, `release=`+strconv.Quote("r\ufffd\"\n}")) {
		t.Errorf("no release %q in\n%s", name, text)
	}
}

func TestMetricsPageIsUpToDate(t *testing.T) {
	var want bytes.Buffer
	if err := WriteMetrics(&want); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/metrics.md")
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("docs/metrics.md is not what the definitions say (%v): run make reference", err)
	}
}
