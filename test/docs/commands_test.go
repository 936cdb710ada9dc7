package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// elsewhere are commands that need root, a Docker engine or systemd, or that take long, with the place that runs or needs the same.
var elsewhere = map[string]string{
	"make run":    "test/docs/run_test.go TestRun",
	"make test":   ".ci/run make test",
	"make static": "Dockerfile make static-gateway",
	"useradd --system --no-create-home ringway":             "test/systemd/main_test.go useradd --system --no-create-home ringway",
	"systemctl reload ringway":                              "test/systemd/units_test.go TestReload",
	"systemctl daemon-reload":                               "test/systemd/main_test.go systemctl daemon-reload",
	"systemctl enable --now ringway.socket ringway.service": "test/systemd/units_test.go TestStart",
	"systemctl start ringway-worker@green":                  "test/systemd/workers_test.go TestWorkerUnits",
	"systemctl stop ringway-worker@blue":                    "test/systemd/workers_test.go TestWorkerUnits",
	"docker compose up --build --detach":                    "test/containers/compose_test.go TestCompose",
	"docker compose exec gateway /gateway status":           "test/containers/compose_test.go TestCompose",
	"docker compose up --build --detach worker":             "test/containers/compose_test.go TestCompose",
	"go test ./test/differential":                           "test/differential/differential_test.go TestAgainstForeignParsers",
	"make native-differential":                              "test/differential/differential_test.go TestAgainstForeignParsers",
	"make native-differential INPUTS=100000 BUILT=asan":     "test/differential/differential_test.go TestAgainstForeignParsers",
}

// prints are lines that commands have to print.
var prints = map[string][]string{
	"gateway version":                                       {"ringway gateway ", "ring layout "},
	"gateway status":                                        {"gateway  running", "RELEASE", "active", "ready"},
	"bin/gateway status":                                    {"gateway  running", "RELEASE", "active", "ready"},
	"gateway status --json":                                 {`"releases"`},
	"curl -f 127.0.0.1:8080/":                               {"hello"},
	"curl 127.0.0.1:8080/":                                  {"hello"},
	"curl -f 127.0.0.1:9180/readyz":                         {`"ok":true`},
	"curl -s 127.0.0.1:9180/stats":                          {`"loops"`},
	"curl -s 127.0.0.1:9180/requests":                       {`"requests"`},
	"curl -s 127.0.0.1:9180/config":                         {"queue-deadline"},
	"gateway check --config /etc/ringway/gateway.toml":      {": ok"},
	"gateway check --config gateway.toml":                   {"gateway.toml: ok"},
	"gateway config --config gateway.toml":                  {"worker = ", "# default", "gateway.toml:2"},
	"bin/gateway check --config gateway.toml":               {"gateway.toml: ok"},
	"bin/gateway config --config gateway.toml":              {"worker = ", "# default", "gateway.toml:2"},
	"gateway swap ./myservice-2":                            {"is active after", "drains"},
	"bin/gateway swap ./myservice-2 -- its arguments":       {"is active after", "drains"},
	"gateway rollback":                                      {"is active after"},
	"bin/gateway rollback":                                  {"is active after"},
	"gateway upgrade /usr/local/bin/gateway":                {"drains"},
	"bin/gateway upgrade bin/gateway":                       {"drains"},
	"gateway top --samples 2":                               {"ready"},
	"gateway stop":                                          {"draining"},
	"curl -s 127.0.0.1:9180/metrics | grep ^ringway_parked": {"ringway_parked{"},
}

// TestCommands runs each command of each page, in its order; they all end with exit code 0.
func TestCommands(t *testing.T) {
	known := map[string]bool{}
	for _, p := range pages(t) {
		for _, b := range p.blocks(t) {
			if b.language == "sh" {
				for _, command := range b.commands() {
					known[command] = true
				}
			}
		}
		t.Run(filepath.Base(p.name), func(t *testing.T) {
			t.Parallel()
			var s *session
			for _, b := range p.blocks(t) {
				if b.language != "sh" {
					continue
				}
				for _, command := range b.commands() {
					if elsewhere[command] != "" || measured.MatchString(command) {
						continue
					}
					if s == nil {
						s = newSession(t)
						if p.name == "docs/worker-guide.md" {
							s.cwd = "myservice"
						}
					}
					output := s.run(command)
					for _, want := range prints[command] {
						if !strings.Contains(output, want) {
							t.Errorf("%s:%d: %s printed %q, want %q in it", p.name, b.line, command, output, want)
						}
					}
					if command == "gateway stop" {
						s.stopped()
					}
				}
			}
			if s != nil {
				s.end()
			}
		})
	}
	for command := range prints {
		if !known[command] {
			t.Errorf("%q is on no page", command)
		}
	}
	for command, place := range elsewhere {
		if !known[command] {
			t.Errorf("%q is on no page", command)
		}
		file, word, _ := strings.Cut(place, " ")
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil || !strings.Contains(string(text), word) {
			t.Errorf("%q is not run by %s (%v)", command, place, err)
		}
	}
}

// measured are commands that tell how a figure was come by: hours, of commits that are past.
var measured = regexp.MustCompile(`^make native-differential .*SEED=`)
