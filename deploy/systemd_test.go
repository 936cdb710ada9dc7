// Package deploy tests what is meant to be copied: the units for systemd, the dashboard and the alert rules.
package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// exposure is what `systemd-analyze security` may find at most, in tenths of its points from 0 (nothing) to 10.
const exposure = "20"

// TestUnitsAreRight: systemd finds nothing wrong with them, in a root directory in which their programs are.
func TestUnitsAreRight(t *testing.T) {
	root := t.TempDir()
	place := func(name string, mode os.FileMode, content string) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, program := range []string{"usr/local/bin/gateway", "usr/local/bin/myservice", "bin/kill"} {
		place(program, 0o755, "#!/bin/true\n")
	}
	// What the units refer to of the system's own.
	for _, target := range []string{"basic", "shutdown", "sockets", "sysinit", "network-online", "multi-user"} {
		place("usr/lib/systemd/system/"+target+".target", 0o644, "[Unit]\nDescription="+target+"\nDefaultDependencies=no\n")
	}
	units, err := filepath.Glob("systemd/ringway*")
	if err != nil || len(units) != 3 {
		t.Fatalf("units %v (%v), want three", units, err)
	}
	var names []string
	for _, unit := range units {
		content, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		place("etc/systemd/system/"+filepath.Base(unit), 0o644, string(content))
		names = append(names, strings.Replace(filepath.Base(unit), "@", "@blue", 1))
	}
	output, err := exec.Command("systemd-analyze", append([]string{"verify", "--root=" + root, "--man=no", "--recursive-errors=no"}, names...)...).CombinedOutput()
	if err != nil || len(output) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, output)
	}
}

func TestServicesAreSandboxed(t *testing.T) {
	services, err := filepath.Glob("systemd/*.service")
	if err != nil || len(services) == 0 {
		t.Fatalf("services %v: %v", services, err)
	}
	for _, service := range services {
		output, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold="+exposure, service).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", service, err, output)
		}
	}
}

// TestLinesThatSystemdShowedToBeNeeded: test/systemd has the failures that they prevent.
func TestLinesThatSystemdShowedToBeNeeded(t *testing.T) {
	for unit, lines := range map[string][]string{
		"ringway.service": {
			"Wants=network-online.target ringway.socket", "StartLimitIntervalSec=0", "KillMode=mixed",
			"ExecReload=/usr/local/bin/gateway check --config /etc/ringway/gateway.toml\nExecReload=/bin/kill -HUP $MAINPID",
		},
		"ringway-worker@.service": {"StartLimitIntervalSec=0", "Restart=always"},
	} {
		content, err := os.ReadFile(filepath.Join("systemd", unit))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if !strings.Contains(string(content), "\n"+line+"\n") {
				t.Errorf("%s lacks %q", unit, line)
			}
		}
		if unit == "ringway.service" && strings.Contains(string(content), "\nPrivateUsers=yes\n") {
			t.Errorf("%s: all users but its own and root are nobody to it", unit)
		}
	}
}
