package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	toml "github.com/pelletier/go-toml/v2"
)

// configFile writes a configuration file and returns its name.
func configFile(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "gw.toml")
	rewrite(t, name, content)
	return name
}

func rewrite(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a command line and returns the exit code, standard output, and the lines of standard error.
func run(t *testing.T, args ...string) (int, string, []string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Run(args, &stdout, &stderr, noEngine(t))
	return code, stdout.String(), strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
}

// Every line of a message about a file says which line of the file it is about.
func TestFileErrorsHaveLines(t *testing.T) {
	for _, test := range []struct {
		content string
		args    string
		want    []string // beginning after the file's name; a part of the rest follows after |
	}{
		{"loops =", "", []string{":1: |expected TOML"}},
		{"loops = 1\nloops = 2", "", []string{":2: |loops"}},
		{"\nnope = 1", "", []string{`:2: unknown key "nope"|gateway config`}},
		{"max_body = 1", "", []string{`:1: unknown key "max_body"|expected max-body or`}},
		{"idel-timeout = '1s'", "", []string{`:1: unknown key|idle-timeout`}},
		{"[server]\nloops = 1", "", []string{`:1: unknown key "server"|`}},
		{"config = 'x'", "", []string{`:1: key "config" is for the command line only|`}},
		{"test = true", "", []string{`:1: key "test" is for the command line only|`}},
		{"loops = 'two'", "", []string{":1: loops is a string|whole number"}},
		{"loops = 1.5", "", []string{":1: loops is a number with a fraction|whole number"}},
		{"loops = [1]", "", []string{":1: loops is an array|whole number"}},
		{"loops = 2020-01-01", "", []string{":1: loops is a value of another type|whole number"}},
		{"loops = 9223372036854775807", "", []string{":1: loops 9223372036854775807 is out of range|1 to 64"}},
		{"keep-underscores = 'yes'", "", []string{":1: keep-underscores is a string|true or false"}},
		{"idle-timeout = 5", "", []string{`:1: idle-timeout is a whole number|"30s"`}},
		{"idle-timeout = '5'", "", []string{`:1: idle-timeout "5" cannot be used|"30s"`}},
		{"max-body = true", "", []string{":1: max-body is true or false|64KiB"}},
		{"max-body = '5MB'", "", []string{`:1: max-body "5MB" cannot be used|64KiB`}},
		{"max-body = -1", "", []string{`:1: max-body "-1" cannot be used|64KiB`}},
		{"server-name = 1", "", []string{":1: server-name is a whole number|a string (TEXT)"}},
		{"listen = [\n'127.0.0.1:0',\n1]", "", []string{":3: listen holds a whole number|array of strings"}},
		{"listen = {a = 'b'}", "", []string{":1: listen is a table|array of strings"}},
		{"[[listen]]\na = 1", "", []string{":1: listen is a value of another type|array of strings"}},
		{"listen = []", "", []string{":1: listen is empty|HOST:PORT"}},
		{"[native-path]\n'/a' = 'x'\n'/b' = 1\nloops = 2", "", []string{
			":3: native-path holds a whole number|\"PATH\" = \"TEXT\"", ":4: native-path holds|",
		}},
		{"[native-path]\n'/a=b' = 'x'", "", []string{`:2: native-path "/a=b" holds an equals sign|`}},
		{"[native-path]\n'/a' = 'x'\n\n'b' = 'y'", "", []string{`:4: native-path "b=y" cannot be used|/ping=pong`}},
		{"native-path = ['/a=x',\n '/a=y']", "", []string{`:2: native-path "/a=y"|once`}},
		{"worker = ['/bin/true', 1]", "", []string{":1: worker holds a whole number|"}},
		{"a = 1\nb = 2\nloops = ''", "", []string{`:1: unknown key "a"|`, `:2: unknown key "b"|`, ":3: loops is a string|"}},
		// What settle finds.
		{"#\nloops = 0", "", []string{":2: loops 0 is out of range|1 to 64"}},
		{"#\nspin = '2ms'", "", []string{":2: spin 2ms is out of range|1ms"}},
		{"log-format = 'xml'", "", []string{`:1: log-format "xml" is unknown|text or json`}},
		{"unix-mode = '0999'", "", []string{`:1: unix-mode "0999"|octal`}},
		{"admin = ''", "", []string{":1: admin is empty|off"}},
		{"worker = '/bin/true'\nworkers = 64\nworker-max-age = '1h'\nmemory-limit = '64GiB'", "", []string{":2: workers 64 do not fit|expected at most 63"}},
		{"worker-max-memory = '1GiB'", "", []string{":1: worker-max-memory 1GiB is of no use alone|--worker PATH"}},
		{"\nworkers = 2", "", []string{":2: workers 2 is of no use alone|--worker PATH"}},
		{"socket-user = ['root',\n'nobody-knows']", "", []string{`:2: socket-user "nobody-knows" is unknown|`}},
		{"worker = 'not-in-path-at-all'", "", []string{`:1: worker "not-in-path-at-all" is not in PATH|`}},
		{"exchanges = 512\nring-slots = 1024", "", []string{":2: ring-slots 1024 cannot be used|from 2048"}},
		// The second is at its default, so the first is to blame.
		{"\nexchanges = 16384", "--arena-size 64MiB", nil},
		{"memory-limit = 1", "", []string{":1: memory-limit 1 is too low|at least"}},
		{"worker = '/bin/true'\n\nexchanges = 16384\nloops = 64\nworkers = 1024\nmax-workers = 4096", "", []string{":5: --memory-limit |is too low"}},
		{"line-bytes = 0x8000\nhead-bytes = '40KiB'", "", []string{":2: head-bytes 40KiB is out of range|16KiB"}},
	} {
		t.Run(test.content, func(t *testing.T) {
			name := configFile(t, test.content)
			for _, command := range []string{"check", "config", "serve"} {
				code, stdout, stderr := run(t, append([]string{command, "-c", name}, strings.Fields(test.args)...)...)
				if test.want == nil {
					// A flag of the command line is at fault, not the file.
					if code != exitBadInput || strings.Contains(stderr[0], name) {
						t.Errorf("%s: code %d, %q", command, code, stderr)
					}
					continue
				}
				if code != exitBadInput || stdout != "" || len(stderr) != len(test.want) {
					t.Fatalf("%s: code %d, stdout %q, stderr %q, want %d lines", command, code, stdout, stderr, len(test.want))
				}
				for i, want := range test.want {
					begin, part, _ := strings.Cut(want, "|")
					if !strings.HasPrefix(stderr[i], "gateway: "+name+begin) || !strings.Contains(stderr[i], part) || !strings.Contains(stderr[i], "expected") {
						t.Errorf("%s: %q, want %q and %q", command, stderr[i], begin, part)
					}
				}
			}
		})
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	directory := t.TempDir()
	for _, name := range []string{filepath.Join(directory, "missing.toml"), directory} {
		code, _, stderr := run(t, "check", "-c", name)
		if code != exitBadInput || len(stderr) != 1 || !strings.HasPrefix(stderr[0], "gateway: "+name+": ") {
			t.Errorf("%s: code %d, %q", name, code, stderr)
		}
	}
	if code, _, stderr := run(t, "check", "-c", ""); code != exitBadInput || !strings.Contains(stderr[0], "--config is empty") {
		t.Errorf("code %d, %q", code, stderr)
	}
}

func TestFlagsGoBeforeTheFileAndTheFileBeforeDefaults(t *testing.T) {
	name := configFile(t, `
listen = ["127.0.0.1:1", "127.0.0.1:2"]
idle-timeout = "7s"
fields = 50
keep-underscores = true
max-body = 4096
body-rate = "1KiB"
worker = ["/bin/true", "--mode", "env"]
socket = "/tmp/s"

[native-path]
"/ping" = "pong"
"/a b" = "no path, but a flag goes before it"
`)
	s := settleArgs(t, "--idle-timeout", "9s", "-c", name, "--native-path", "/x=y", "--listen", "127.0.0.1:3", "--loops", "1")
	settings := s.engine.Settings
	if settings.IdleTimeout.Seconds() != 9 || settings.Fields != 50 || !settings.KeepUnderscores || settings.MaxBody != 4096 || settings.BodyRate != 1024 {
		t.Errorf("%+v", settings)
	}
	if settings.HeadTimeout.Seconds() != 10 {
		t.Errorf("head timeout %v, want the default", settings.HeadTimeout)
	}
	if !reflect.DeepEqual(settings.NativePaths, map[string]string{"/x": "y"}) || !reflect.DeepEqual(s.gateway.Listen, []string{"127.0.0.1:3"}) {
		t.Errorf("%v %v, want those of the command line alone", settings.NativePaths, s.gateway.Listen)
	}
	if got := s.gateway.Program.Argv; strings.Join(got, " ") != "/bin/true --mode env" {
		t.Errorf("worker %q", got)
	}
	for _, test := range []struct{ args, want string }{
		{"-- --other", "/bin/true --other"}, {"--", "/bin/true"}, {"--worker /bin/false", "/bin/false"}, {"--worker /bin/false -- x", "/bin/false x"},
	} {
		s := settleArgs(t, append([]string{"--native-path", "/x=y", "-c", name}, strings.Fields(test.args)...)...)
		if got := strings.Join(s.gateway.Program.Argv, " "); got != test.want {
			t.Errorf("%s: worker %q, want %q", test.args, got, test.want)
		}
	}
}

// A key that is written out with its default changes nothing.
func TestDefaultsMayBeWrittenOut(t *testing.T) {
	name := configFile(t, "workers = 1\nworker = ''\nworker-user = ''\nring-slots = 0\narena-size = 0\nmemory-limit = 0\nsocket = ''\nsocket-user = []\nnative-path = []")
	if with, without := settleArgs(t, "-c", name), settleArgs(t); !reflect.DeepEqual(with, without) {
		t.Errorf("%+v, want %+v", with, without)
	}
}

// But a list with elements was meant, also where it is the default.
func TestADefaultAddressThatIsWrittenOutIsMeant(t *testing.T) {
	proxies := "listen-proxy = ['127.0.0.1:1']\n"
	if s := settleArgs(t, "-c", configFile(t, proxies)); len(s.gateway.Listen) != 0 {
		t.Errorf("listens on %v for others than proxies", s.gateway.Listen)
	}
	if s := settleArgs(t, "-c", configFile(t, proxies+"listen = ['127.0.0.1:8080']")); len(s.gateway.Listen) != 1 {
		t.Errorf("listens on %v, want the address of the file", s.gateway.Listen)
	}
}

// other gives a flag a value that is not its default, for any kind of flag.
func other(t *testing.T, flag *pflag.Flag) any {
	t.Helper()
	if _, list := flag.Value.(pflag.SliceValue); list {
		if isTable(flag) {
			return map[string]string{"/other": "text"}
		}
		return []string{"other"}
	}
	switch kind := flag.Value.Type(); {
	case kind == "bool":
		return flag.DefValue != "true"
	case isWhole(kind):
		return 3
	case strings.HasPrefix(kind, "float"):
		return 0.375
	case kind == "duration":
		return "7s"
	case kind == sizeType:
		return 12345
	}
	for _, text := range []string{"other", "127.0.0.1", "8", "json"} {
		if flag.Value.Set(text) == nil {
			return text
		}
	}
	t.Fatalf("--%s takes none of the values of this test", flag.Name)
	return nil
}

func TestEveryFlagIsAKeyAndIsPrinted(t *testing.T) {
	names := keyNames(serveFlags(&options{}))
	if len(names) < 38 {
		t.Fatalf("only %d keys", len(names))
	}
	code, printed, stderr := run(t, "config")
	if code != exitOK {
		t.Fatalf("%q", stderr)
	}
	serveFlags(&options{}).VisitAll(func(flag *pflag.Flag) {
		if flag.Name == configFlag || flag.Name == testFlag {
			return
		}
		if !strings.Contains("\n"+printed, "\n"+flag.Name+" = ") {
			t.Errorf("gateway config does not print %s", flag.Name)
		}
		content, err := toml.Marshal(map[string]any{flag.Name: other(t, flag)})
		if err != nil {
			t.Fatal(err)
		}
		in, err := readInput([]string{"-c", configFile(t, string(content))})
		if err != nil {
			t.Errorf("%s: %v", content, err)
			return
		}
		_, f, err := in.build()
		if err != nil || !f.Changed(flag.Name) || f.Lookup(flag.Name).Value.String() == flag.DefValue {
			t.Errorf("%s: %v, and the flag is %q", content, err, f.Lookup(flag.Name).Value)
		}
	})
}

func TestPrintedConfigurationsReadBack(t *testing.T) {
	file := configFile(t, "loops = 2\nworker = ['/bin/true', '--greeting', \"a\\nb\\\"'\"]\nnative-path = ['/a=b=c',\n'/d=']\nmax-body = 12345\nserver-name = ''")
	for _, args := range [][]string{
		nil,
		{"-c", file},
		{"-c", file, "--idle-timeout", "1m30s", "--keep-underscores", "--exchanges", "16", "--", "other"},
		{"--listen-proxy", "127.0.0.1:0", "--trusted", "10.0.0.0/8", "--static", "/a=/tmp", "--request-id=false"},
		{"--listen", "127.0.0.1:0", "--listen", "unix:/tmp/x # y", "--socket-user", "root", "--socket", "/tmp/s", "--admin", "off", "--memory-limit", "1GiB"},
	} {
		code, printed, stderr := run(t, append([]string{"config"}, args...)...)
		if code != exitOK {
			t.Fatalf("%v: %q", args, stderr)
		}
		again := configFile(t, printed)
		got, want := settleArgs(t, "-c", again), settleArgs(t, args...)
		got.gateway.Listen = append([]string(nil), got.gateway.Listen...) // no addresses are no addresses
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %+v, want %+v; printed:\n%s", args, got, want, printed)
		}
		for i, line := range strings.Split(strings.TrimSpace(printed), "\n") {
			if !strings.Contains(line, " # ") {
				t.Errorf("%v: line %d has no origin: %s", args, i+1, line)
			}
		}
	}
	_, printed, _ := run(t, "config", "-c", file, "--fields", "7")
	for _, want := range []string{"\nloops = 2 # " + file + ":1\n", "\nfields = 7 # flag\n", "\npark-limit = 1024 # default\n", "'/d='] # " + file + ":3\n"} {
		if !strings.Contains(printed, want) {
			t.Errorf("%q is not in\n%s", want, printed)
		}
	}
}

func TestMisspeltFlagsAreGuessed(t *testing.T) {
	for args, want := range map[string]string{"--max-bodi": "--max-body", "--listn": "--listen", "--head_timeout": "--head-timeout", "--xyzzyx": "expected one that"} {
		if _, _, stderr := run(t, "serve", args, "1"); !strings.Contains(stderr[0], want) {
			t.Errorf("%s: %q, want %q", args, stderr, want)
		}
	}
	if d := distance("kitten", "sitting"); d != 3 {
		t.Errorf("distance %d", d)
	}
}

func TestSmallArenasHoldTheLargestHead(t *testing.T) {
	for _, test := range []struct {
		flags string
		want  string // of --arena-size; one chunk less is refused
	}{
		{"--exchanges 1", "128KiB"}, // 8KiB and 32KiB and an index of 100 fields: a block of 64KiB, and 1KiB for a body
		{"--exchanges 1 --head-bytes 16KiB", "64KiB"},
		{"--exchanges 1 --head-bytes 22KiB --fields 127", "128KiB"}, // the index makes the difference
		{"--exchanges 1 --head-bytes 22KiB --fields 100", "64KiB"},
		{"--exchanges 1 --head-bytes 22KiB --fields 119", "128KiB"}, // so does the field that the gateway adds
		{"--exchanges 1 --head-bytes 22KiB --fields 119 --request-id=false", "64KiB"},
		{"--exchanges 16", "128KiB"},
		{"--exchanges 32", "256KiB"},
		{"--exchanges 1024", "8MiB"},
	} {
		args := append(strings.Fields(test.flags), "--socket", "/tmp/s", "--loops", "1", "--arena-size")
		var wanted size
		if err := wanted.Set(test.want); err != nil {
			t.Fatal(err)
		}
		settleArgs(t, append(args, test.want)...)
		less := fmt.Sprint(int64(wanted) - 64<<10)
		o, f, err := parse(append(args, less))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := settle(o, f); err == nil || !strings.Contains(err.Error(), "from "+test.want) {
			t.Errorf("%s --arena-size %s: %v, want a refusal that names %s", test.flags, less, err, test.want)
		}
	}
}
