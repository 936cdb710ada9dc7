package main

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// runGateway runs the binary to its end and returns the exit code and what it wrote.
func runGateway(t *testing.T, args ...string) (int, string, string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), gatewayBinary, args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

func TestCheckTellsWithoutOpeningAnything(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	directory := t.TempDir()
	name, plain := filepath.Join(directory, "gw.toml"), filepath.Join(directory, "plain")
	rewrite(t, plain, "#!/bin/sh\n")
	for _, test := range []struct {
		content string
		want    []string // parts of the lines of standard error; none if the file is right
	}{
		// Addresses in use are none of its business: a gateway that runs has them.
		{"listen = ['" + busy.Addr().String() + "', 'unix:" + directory + "/h', 'systemd:x']\nworker = '" + workerBinary + "'", nil},
		{"", nil},
		{"loops = 0", []string{":1: loops 0"}},
		{"a = 1\nb = 1", []string{`:1: unknown key "a"`, `:2: unknown key "b"`}},
		{"listen = ['127.0.0.1:0',\n'nonsense',\n'unix:/no/such/h']", []string{`:2: listen: listen on "nonsense"`, `:3: listen "unix:/no/such/h"`}},
		{"listen-proxy = ['127.0.0.1:0', 'nonsense']", []string{`:1: listen-proxy: listen on "nonsense"`}},
		{"\nadmin = 'nonsense'", []string{`:2: admin "nonsense"`}},
		{"socket = '/no/such/s'", []string{`:1: socket "/no/such/s"`}},
		{"worker = '/no/such/worker'", []string{`:1: worker "/no/such/worker"`}},
		{"worker = '" + plain + "'", []string{`:1: worker "` + plain + `" may not be executed`}},
		{"worker = '" + directory + "'", []string{`:1: worker "` + directory + `" is no regular file`}},
		{"access-log = '/no/such/log'", []string{`:1: access-log "/no/such/log"`}},
		{"access-log = '-'", nil},
		{"[static]\n'/a' = '" + directory + "'\n'/b' = '/no/such/dir'", []string{`:3: static "/b=/no/such/dir"`}},
		{"socket-user = ['nobody-knows']", []string{`:1: socket-user "nobody-knows"`}},
	} {
		rewrite(t, name, test.content)
		for _, args := range [][]string{{"check", "-c", name}, {"-t", "-c", name}, {"-c", name, "-t"}, {"check", "-t", "--config", name}, {"serve", "-c", name, "--test"}} {
			code, stdout, stderr := runGateway(t, args...)
			if len(test.want) == 0 {
				if code != 0 || stdout != name+": ok\n" || stderr != "" {
					t.Errorf("%q %v: exit code %d, %q %q", test.content, args, code, stdout, stderr)
				}
				continue
			}
			lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
			if code != 2 || stdout != "" || len(lines) != len(test.want) {
				t.Errorf("%q %v: exit code %d, %q %q", test.content, args, code, stdout, stderr)
				continue
			}
			for i, want := range test.want {
				if !strings.HasPrefix(lines[i], "gateway: "+name+want) || !strings.Contains(lines[i], "expected") {
					t.Errorf("%q %v: %q, want %q", test.content, args, lines[i], want)
				}
			}
		}
	}
	if entries, err := os.ReadDir(directory); err != nil || len(entries) != 2 {
		t.Errorf("the checks have left something: %v %v", entries, err)
	}
	if code, stdout, _ := runGateway(t, "check", "--loops", "1"); code != 0 || stdout != "configuration: ok\n" {
		t.Errorf("without a file: %d %q", code, stdout)
	}
	if code, _, stderr := runGateway(t, "check", "--loops", "0"); code != 2 || !strings.Contains(stderr, "gateway: --loops 0") {
		t.Errorf("a flag: %d %q", code, stderr)
	}
}

func TestTheDefaultSocketsDirectoryIsNotMadeByChecks(t *testing.T) {
	directory := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", directory)
	for _, command := range []string{"check", "config"} {
		if code, _, stderr := runGateway(t, command); code != 0 {
			t.Errorf("%s: %d %q", command, code, stderr)
		}
	}
	if entries, err := os.ReadDir(directory); err != nil || len(entries) != 0 {
		t.Errorf("%v %v", entries, err)
	}
}

// keysInComments are the keys that the example shows but does not set.
var keysInComments = regexp.MustCompile(`(?m)^#([a-z])`)

// The example is one that works, but for its paths and users.
func TestTheExampleConfigurationIsRight(t *testing.T) {
	content, err := os.ReadFile("../../deploy/gateway.toml")
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	for _, sub := range []string{"run", "log", "www"} {
		if err := os.Mkdir(filepath.Join(directory, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	replaced := strings.NewReplacer(
		"/usr/local/bin/appworker", workerBinary, "/run/ringway/", directory+"/run/", "/var/log/ringway/", directory+"/log/",
		"/var/www/assets", directory+"/www",
	)
	name := filepath.Join(directory, "gw.toml")
	rewrite(t, name, replaced.Replace(string(content)))
	if code, stdout, stderr := runGateway(t, "check", "-c", name); code != 0 || stdout != name+": ok\n" {
		t.Fatalf("%d %q %q", code, stdout, stderr)
	}
	// What is commented out is right as well: it has the defaults, or values that go with the rest.
	rewrite(t, name, keysInComments.ReplaceAllString(replaced.Replace(string(content)), "$1"))
	if code, stdout, stderr := runGateway(t, "check", "-c", name); code != 0 || stdout != name+": ok\n" {
		t.Fatalf("with all keys: %d %q %q", code, stdout, stderr)
	}
}
