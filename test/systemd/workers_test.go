//go:build systemd

package systemd

import (
	"os"
	"strings"
	"testing"
)

// TestWorkerUnits: a worker that is a unit of its own attaches; another release is a swap, and the end of the old one a drain.
func TestWorkerUnits(t *testing.T) {
	machine(t, "")
	systemctl(t, "start", "ringway.socket", "ringway-worker@blue") // wants the gateway
	more, end := crowd(t)
	defer end()
	more()
	before := "blue"
	if got := state(t, before); got != "active" {
		t.Errorf("release %s is %s, want active", before, got)
	}
	for _, release := range []string{"green", "red"} {
		systemctl(t, "start", "ringway-worker@"+release)
		eventually(t, "the swap to "+release, func() bool { return state(t, release) == "active" })
		more()
		systemctl(t, "stop", "ringway-worker@"+before)
		more()
		expect(t, "ringway-worker@"+before, "Result", "success")
		eventually(t, "the end of "+before, func() bool { return state(t, before) == "retired" })
		before = release
	}
	systemctl(t, "start", "ringway-worker@green")
	eventually(t, "workers of green", func() bool { return ready(t, "green") })
	run(t, "gateway", "rollback")
	if got := state(t, "green"); got != "active" {
		t.Errorf("rolled back, and release green is %s, want active", got)
	}
	for range 6 { // more often than systemd starts a unit again that has a limit
		pid := mainPid(t, "ringway-worker@green")
		run(t, "kill", "-KILL", pid)
		eventually(t, "a restart", func() bool { now := mainPid(t, "ringway-worker@green"); return now != pid && now != "0" })
		more()
	}
	end()
	old := mainPid(t, "ringway.service")
	restarts := property(t, "ringway-worker@green", "NRestarts")
	more, end = crowd(t)
	defer end()
	run(t, "gateway", "upgrade", "/usr/local/bin/gateway")
	eventually(t, "another main process", func() bool { return mainPid(t, "ringway.service") != old })
	more()
	expect(t, "ringway-worker@green", "NRestarts", restarts)
	systemctl(t, "restart", "ringway.service") // lets the worker go, which comes back
	more()
	end()
	if got := run(t, "ps", "-o", "user=", "-p", mainPid(t, "ringway-worker@green")); got != "ringway" {
		t.Errorf("the worker runs as %q, want ringway", got)
	}
}

// TestWorkerOfAnotherUser: one whose unit has another user attaches if socket-user names that.
func TestWorkerOfAnotherUser(t *testing.T) {
	machine(t, `socket-user = ["worker"]`)
	change(t, "ringway-worker@.service", "User=worker\nGroup=worker\n")
	systemctl(t, "start", "ringway.socket", "ringway.service", "ringway-worker@blue")
	wantAnswer(t, site+"/", "Hello, World!")
}

// places are directories that anybody may write to, were it not for the sandbox.
var places = []string{"/etc/open", "/usr/open", "/var/open", "/srv/open", "/opt/open", "/home/open", "/root/open"}

// TestSandbox: the units' processes write to their own directories alone. All other tests run with all of the options on.
func TestSandbox(t *testing.T) {
	machine(t, supervised)
	for _, place := range places {
		if err := os.MkdirAll(place, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(place, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	writes := func(file string, paths ...string) string {
		script := "exec 2>&1; "
		for _, path := range paths {
			script += "touch " + path + "/file && echo wrote " + path + "; "
		}
		return "StandardOutput=append:" + file + "\nExecStartPost=/bin/sh -c '" + script + "true'\n"
	}
	for unit, allowed := range map[string]string{
		"ringway.service":             "/run/ringway /var/log/ringway /tmp /var/tmp /dev/shm",
		"ringway-worker@blue.service": "/tmp /var/tmp /dev/shm",
	} {
		t.Run(unit, func(t *testing.T) {
			file := "/run/written-by-" + unit
			change(t, strings.Replace(unit, "blue", "", 1), writes(file, append(strings.Fields(allowed+" /run /dev"), places...)...))
			systemctl(t, "restart", unit) // the gateway may be there
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			written := string(text)
			for _, path := range strings.Fields(allowed) {
				if !strings.Contains(written, "wrote "+path+"\n") {
					t.Errorf("%s: it cannot write to %s", unit, path)
				}
			}
			if strings.Count(written, "wrote ") != len(strings.Fields(allowed)) {
				t.Errorf("%s wrote elsewhere than to %s:\n%s", unit, allowed, written)
			}
			for _, path := range []string{"/tmp/file", "/var/tmp/file"} {
				if _, err := os.Stat(path); err == nil {
					t.Errorf("%s wrote to everybody's %s", unit, path)
				}
			}
		})
	}
}
