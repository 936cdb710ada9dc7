package cli

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"ringway/internal/admin"
	"ringway/internal/gateway"
)

// fakeGateway records what a reload tells it.
type fakeGateway struct {
	changes []gateway.Live
	state   admin.Configuration
	failure error
}

func (g *fakeGateway) Change(to gateway.Live) error {
	if g.failure != nil {
		return g.failure
	}
	g.changes = append(g.changes, to)
	return nil
}

func (g *fakeGateway) Configured(state admin.Configuration) { g.state = state }

// reloading is a reloader for a file and flags, its gateway and its log.
func reloading(t *testing.T, args ...string) (*reloader, *fakeGateway, *bytes.Buffer) {
	t.Helper()
	in, err := readInput(args)
	if err != nil {
		t.Fatal(err)
	}
	current, err := newRunning(in)
	if err != nil {
		t.Fatal(err)
	}
	log, fake := &bytes.Buffer{}, &fakeGateway{}
	return newReloader(current, fake, newLog(log, current.settled)), fake, log
}

// TestDefaultsStayTheSame when the Go half limits itself.
func TestDefaultsStayTheSame(t *testing.T) {
	r, fake, _ := reloading(t, "-c", configFile(t, "fields = 7"))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2 * processors))
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := fake.state.NeedsRestart; len(got) != 0 {
		t.Errorf("%q need a restart, expected none", got)
	}
}

func TestReloadTellsWhatChangesLive(t *testing.T) {
	for _, test := range []struct {
		name          string
		before, after string
		live, fixed   []string
	}{
		{"nothing", "fields = 7", "# other text\nfields = 7", nil, nil},
		{"a default written out", "", "fields = 100", nil, nil},
		{"times and limits", "idle-timeout = '1s'", "idle-timeout = '2s'\nmax-body = 5\nfields = 9", []string{"idle-timeout", "max-body", "fields"}, nil},
		{"paths", "native-path = ['/a=b']", "[native-path]\n'/a' = 'c'", []string{"native-path"}, nil},
		{"the gateway's own", "socket = '/tmp/s'", "socket = '/tmp/s'\ndrain-limit = '1s'\nmax-workers = 3\nmemory-limit = '1GiB'\nsocket-user = ['4711']\nlog-format = 'json'",
			[]string{"socket-user", "drain-limit", "max-workers", "memory-limit", "log-format"}, nil},
		{"addresses", "", "listen = ['127.0.0.1:1']\nadmin = 'off'\nsocket = '/tmp/other'\nbacklog = 5\nunix-mode = '0600'", nil,
			[]string{"listen", "backlog", "unix-mode", "admin", "socket"}},
		{"whom to trust", "trusted = ['10.0.0.0/8']", "trusted = ['10.0.0.0/8', 'unix']\nrequest-id = false", []string{"trusted", "request-id"}, nil},
		{"addresses for proxies", "", "listen-proxy = ['127.0.0.1:1']", nil, []string{"listen-proxy"}},
		{"geometry", "", "loops = 3\nexchanges = 16\nspin = '1us'", nil, []string{"loops", "spin", "exchanges"}},
		{"a worker", "worker = '/bin/true'", "worker = '/bin/false'\nworkers = 2", nil, []string{"worker", "workers"}},
		{"supervision", "worker = '/bin/true'\nworker-max-age = '1h'",
			"worker = '/bin/true'\nworker-max-requests = 1000\nworker-max-memory = '1GiB'\nworker-max-age = '2h'\ndrain-delay = '5s'\nbreaker-ends = 3\nbreaker-wait = '1m'",
			[]string{"worker-max-requests", "worker-max-memory", "worker-max-age", "drain-delay"}, []string{"breaker-ends", "breaker-wait"}},
		{"arguments of a worker", "worker = '/bin/true'", "worker = ['/bin/true', 'x']", nil, []string{"worker"}},
		{"some of both", "loops = 1", "loops = 2\nfields = 9", []string{"fields"}, []string{"loops"}},
		// Neither can be changed alone before the other.
		{"limits that trade places", "line-bytes = '40KiB'\nhead-bytes = '8KiB'", "line-bytes = '8KiB'\nhead-bytes = '40KiB'", []string{"line-bytes", "head-bytes"}, nil},
		{"paths and names of the access log", "access-log = '/tmp/a'", "access-log = '/tmp/b'\naccess-log-format = 'combined'", nil, []string{"access-log", "access-log-format"}},
		{"files", "", "static-index = 'a.html'\n[static]\n'/a' = '/tmp'", []string{"static", "static-index"}, nil},
		// The directory of the socket, where it has its usual place, has to be open to others then.
		{"users of a private directory", "", "socket-user = ['4711']", nil, []string{"socket-user"}},
		// Without effect as settled: the same user by number.
		{"another name for the same", "socket-user = ['root']", "socket-user = ['0']", nil, []string{"socket-user"}},
		{"below a flag", "park-limit = 1", "park-limit = 2", nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := configFile(t, test.before)
			r, fake, log := reloading(t, "-c", name, "--park-limit", "5")
			if fake.state.File != name || fake.state.Loaded.IsZero() || fake.state.Reloads != 0 {
				t.Errorf("state %+v", fake.state)
			}
			rewrite(t, name, test.after)
			if err := r.Reload(); err != nil {
				t.Fatal(err)
			}
			if got := fake.state; got.Reloads != 1 || got.Failures != 0 || got.LastError != "" || !slices.Equal(got.NeedsRestart, test.fixed) {
				t.Errorf("state %+v", got)
			}
			for _, key := range keyNames(serveFlags(&options{})) {
				live := strings.Contains(log.String(), `value changed`) && logged(log, "configuration value changed", key)
				fixed := logged(log, "configuration value needs a restart", key)
				if live != slices.Contains(test.live, key) || fixed != slices.Contains(test.fixed, key) {
					t.Errorf("%s: live %v, needs a restart %v; log:\n%s", key, live, fixed, log)
				}
			}
			// Once more: what changed live is the same now, what did not is named again.
			log.Reset()
			if err := r.Reload(); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(log.String(), "value changed") || strings.Count(log.String(), "needs a restart") != len(test.fixed) {
				t.Errorf("second reload:\n%s", log)
			}
		})
	}
}

// logged looks for a line about a key, in either format.
func logged(log *bytes.Buffer, message, key string) bool {
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, message) && (strings.Contains(line, "key="+key+" ") || strings.Contains(line, `"key":"`+key+`"`)) {
			return true
		}
	}
	return false
}

func TestReloadAppliesTheRestOfWhatNeedsARestart(t *testing.T) {
	name := configFile(t, "loops = 1\nfields = 7")
	r, fake, _ := reloading(t, "-c", name, "--idle-timeout", "3s")
	rewrite(t, name, "loops = 2\nfields = 8\nidle-timeout = '9s'\ndrain-limit = '4s'")
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	if s := fake.changes[0]; s.Settings.Fields != 8 || s.Settings.IdleTimeout.Seconds() != 3 || s.DrainLimit.Seconds() != 4 {
		t.Errorf("%+v", s)
	}
	rewrite(t, name, "")
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	if s := fake.changes[1]; s.Settings.Fields != 100 || s.DrainLimit.Seconds() != 30 {
		t.Errorf("%+v, want the defaults again", s)
	}
}

func TestFailedReloadsChangeNothing(t *testing.T) {
	for _, test := range []struct {
		name, after string
		want        []string
	}{
		{"no TOML", "fields = ", []string{":1: "}},
		{"unknown keys", "fields = 8\nnope = 1\nno = 2", []string{":2: unknown key", ":3: unknown key"}},
		{"out of range", "fields = 8\n\nloops = 0", []string{":3: loops 0"}},
		// Valid after a restart, but the arena that runs is too small for such heads.
		{"not in what runs", "exchanges = 1\narena-size = '128KiB'\nhead-bytes = '32KiB'", []string{"arena-size 64KiB cannot be used"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := configFile(t, "exchanges = 1\narena-size = '64KiB'\nhead-bytes = '4KiB'")
			r, fake, log := reloading(t, "-c", name)
			rewrite(t, name, test.after)
			if err := r.Reload(); err == nil {
				t.Fatal("no error")
			}
			if got := fake.state; len(fake.changes) != 0 || got.Reloads != 0 || got.Failures != 1 || !strings.Contains(got.LastError, test.want[0]) {
				t.Errorf("%v %+v", fake.changes, got)
			}
			for _, want := range test.want {
				if !strings.Contains(log.String(), name+want) && !strings.Contains(log.String(), want) {
					t.Errorf("%q is not in the log:\n%s", want, log)
				}
			}
			rewrite(t, name, "exchanges = 1\narena-size = '64KiB'\nhead-bytes = '8KiB'")
			if err := r.Reload(); err != nil || fake.changes[0].Settings.HeadBytes != 8<<10 || fake.state.LastError != "" {
				t.Errorf("after it: %v %+v", err, fake.state)
			}
		})
	}
	name := configFile(t, "")
	r, fake, _ := reloading(t, "-c", name)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(); err == nil || fake.state.Failures != 1 {
		t.Errorf("a file that is gone: %v %+v", err, fake.state)
	}
	rewrite(t, name, "fields = 8")
	fake.failure = errors.New("no memory")
	if err := r.Reload(); err == nil || fake.state.Failures != 2 || fake.state.LastError != "no memory" {
		t.Errorf("an engine that fails: %v %+v", err, fake.state)
	}
	fake.failure = nil
	if err := r.Reload(); err != nil || fake.changes[0].Settings.Fields != 8 {
		t.Errorf("and recovers: %v %+v", err, fake.changes)
	}
}

func TestReloadWithoutAFileIsHarmless(t *testing.T) {
	r, fake, log := reloading(t, "--fields", "7")
	if err := r.Reload(); !errors.Is(err, errNoFile) {
		t.Errorf("error %v", err)
	}
	if len(fake.changes) != 0 || fake.state.Failures != 0 || !strings.Contains(log.String(), "no configuration file") {
		t.Errorf("%+v, log %s", fake.state, log)
	}
}

func TestLogChangesItsFormat(t *testing.T) {
	text := &bytes.Buffer{}
	log := newLog(text, &settled{logFormat: "text"})
	part := log.With("part", 1).WithGroup("g").With("x", 2)
	part.Info("one")
	log.setFormat("json")
	part.Info("two")
	lines := strings.Split(text.String(), "\n")
	if !strings.Contains(lines[0], "msg=one part=1 g.x=2") || !strings.Contains(lines[1], `"msg":"two","part":1,"g":{"x":2}`) {
		t.Errorf("%q", lines)
	}
}
