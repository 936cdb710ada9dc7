//go:build systemd

package systemd

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestStart: the service is active once it serves, not before.
func TestStart(t *testing.T) {
	machine(t, supervised)
	systemctl(t, "enable", "--now", "ringway.socket", "ringway.service")
	wantAnswer(t, own+"/ping", "pong") // it opens this socket itself
	wantAnswer(t, site+"/", "Hello, World!")
	wantAnswer(t, "http://[::1]/", "Hello, World!")
	for name, want := range map[string]string{"ActiveState": "active", "SubState": "running", "Result": "success", "NRestarts": "0"} {
		expect(t, "ringway.service", name, want)
	}
	if got := property(t, "ringway.service", "StatusText"); !strings.HasPrefix(got, "serving on http://") {
		t.Errorf("status %q, want where it serves", got)
	}
	if got, want := strconv.Itoa(stats(t).Gateway.Pid), mainPid(t, "ringway.service"); got != want {
		t.Errorf("process %s serves, and systemd's main process is %s", got, want)
	}
	for _, unit := range []string{"ringway.socket", "ringway.service"} {
		expect(t, unit, "UnitFileState", "enabled")
	}
}

// TestSocketActivation: a connection starts the service, and those that come while it is stopped and started again wait.
func TestSocketActivation(t *testing.T) {
	machine(t, supervised+"\ndrain-delay = \"500ms\"")
	systemctl(t, "start", "ringway.socket")
	expect(t, "ringway.service", "ActiveState", "inactive")
	wantAnswer(t, site+"/", "Hello, World!")
	expect(t, "ringway.service", "ActiveState", "active")

	more, end := crowd(t)
	defer end()
	for range 3 {
		more()
		systemctl(t, "restart", "ringway.service")
		more()
		systemctl(t, "stop", "ringway.service") // a connection starts it
	}
	more()
	expect(t, "ringway.service", "ActiveState", "active")
}

// TestReload: a new configuration is in force, and one with a mistake is refused and changes nothing.
func TestReload(t *testing.T) {
	machine(t, supervised)
	systemctl(t, "start", "ringway.socket", "ringway.service")
	pid := mainPid(t, "ringway.service")
	for _, pong := range []string{"second", "third"} {
		configure(t, supervised, pong)
		systemctl(t, "reload", "ringway.service")
		eventually(t, pong, func() bool { got, err := get(site + "/ping"); return err == nil && got == pong })
		expect(t, "ringway.service", "ReloadResult", "success")
	}
	configure(t, supervised+"\nno-such-key = 1", "fourth")
	if output, err := command("systemctl", "reload", "ringway.service"); err == nil {
		t.Errorf("a configuration with a mistake was reloaded: %s", output)
	}
	eventually(t, "active again", func() bool { return property(t, "ringway.service", "ActiveState") == "active" })
	wantAnswer(t, site+"/ping", "third")
	wantAnswer(t, site+"/", "Hello, World!")
	if got := mainPid(t, "ringway.service"); got != pid {
		t.Errorf("main process %s, want %s as before", got, pid)
	}
}

// TestWatchdog: a gateway that stands still is killed and started again.
func TestWatchdog(t *testing.T) {
	machine(t, supervised)
	systemctl(t, "start", "ringway.socket", "ringway.service")
	pid := mainPid(t, "ringway.service")
	run(t, "kill", "-STOP", pid)
	eventually(t, "a restart", func() bool { return property(t, "ringway.service", "NRestarts") == "1" })
	wantAnswer(t, site+"/", "Hello, World!")
	if now := mainPid(t, "ringway.service"); now == pid {
		t.Errorf("the main process is %s as before", pid)
	}
}

// TestUpgrade: the successor is the main process, for the watchdog and for the end, too.
func TestUpgrade(t *testing.T) {
	machine(t, supervised)
	systemctl(t, "start", "ringway.socket", "ringway.service")
	more, end := crowd(t)
	defer end()
	for _, upgrade := range [][]string{
		{"gateway", "upgrade", "/usr/local/bin/gateway"},
		{"systemctl", "kill", "--kill-whom=main", "--signal=USR2", "ringway.service"},
	} {
		more()
		old := mainPid(t, "ringway.service")
		run(t, upgrade[0], upgrade[1:]...)
		eventually(t, "another main process", func() bool { return mainPid(t, "ringway.service") != old })
		eventually(t, "the old one's end", func() bool { _, err := os.Stat("/proc/" + old); return err != nil })
		alive := property(t, "ringway.service", "WatchdogTimestampMonotonic")
		eventually(t, "alive", func() bool { return property(t, "ringway.service", "WatchdogTimestampMonotonic") != alive })
		if got, want := strconv.Itoa(stats(t).Gateway.Pid), mainPid(t, "ringway.service"); got != want {
			t.Errorf("process %s serves, and systemd's main process is %s", got, want)
		}
		for name, want := range map[string]string{"ActiveState": "active", "SubState": "running", "NRestarts": "0"} {
			expect(t, "ringway.service", name, want)
		}
	}
	more()
	systemctl(t, "reload", "ringway.service")
	more()
	end()
	said := run(t, "journalctl", "--no-pager", "--output=cat", "_SYSTEMD_INVOCATION_ID="+property(t, "ringway.service", "InvocationID"))
	if !strings.Contains(said, "serves in the place of another") || strings.Contains(said, "not quite as configured") {
		t.Errorf("the sandbox is in the way of what is handed over:\n%s", said)
	}
	systemctl(t, "stop", "ringway.socket", "ringway.service")
	expect(t, "ringway.service", "Result", "success")
}

// TestKill: a gateway that was killed is started again; connections wait, and workers that are units of their own come back.
func TestKill(t *testing.T) {
	for name, workers := range map[string]string{"own workers": supervised, "units": ""} {
		t.Run(name, func(t *testing.T) {
			machine(t, workers)
			systemctl(t, "start", "ringway.socket", "ringway.service")
			if workers == "" {
				systemctl(t, "start", "ringway-worker@blue")
			}
			for kills := 1; kills <= 2; kills++ {
				wantAnswer(t, site+"/", "Hello, World!")
				run(t, "kill", "-KILL", mainPid(t, "ringway.service"))
				wantAnswer(t, site+"/", "Hello, World!")
				eventually(t, "a restart", func() bool { return property(t, "ringway.service", "NRestarts") == strconv.Itoa(kills) })
			}
			if workers == "" {
				expect(t, "ringway-worker@blue", "NRestarts", "0")
			}
		})
	}
}

// TestKillAfterUpgrade: one that is killed while the gateway before still drains comes back, too.
func TestKillAfterUpgrade(t *testing.T) {
	machine(t, supervised)
	systemctl(t, "start", "ringway.socket", "ringway.service")
	answered := make(chan bool)
	go func() { _, _ = get(site + "/sleep?ms=3000"); close(answered) }() // systemd ends that gateway with the service
	inFlight(t)
	old := mainPid(t, "ringway.service")
	run(t, "gateway", "upgrade", "/usr/local/bin/gateway")
	eventually(t, "another main process", func() bool { return mainPid(t, "ringway.service") != old })
	run(t, "kill", "-KILL", mainPid(t, "ringway.service"))
	<-answered
	wantAnswer(t, site+"/", "Hello, World!")
	expect(t, "ringway.service", "ActiveState", "active")
	expect(t, "ringway.service", "NRestarts", "1")
}

// TestStopDrains: what is under way when the service is stopped is answered whole, also by a gateway that was upgraded,
// which is not systemd's child at first, and by the one before that.
func TestStopDrains(t *testing.T) {
	for name, steps := range map[string][]string{
		"at once": {"ask"}, "upgraded": {"upgrade", "ask"}, "of the gateway before": {"ask", "upgrade"}, "of both": {"ask", "upgrade", "ask"},
	} {
		t.Run(name, func(t *testing.T) {
			machine(t, supervised)
			systemctl(t, "start", "ringway.socket", "ringway.service")
			asked, answers := 0, make(chan error, 2)
			for _, step := range steps {
				if step == "ask" {
					asked++
					go func() {
						body, err := get(site + "/sleep?ms=3000")
						if err == nil && body != "slept 3s\n" {
							err = fmt.Errorf("answer %q", body)
						}
						answers <- err
					}()
					inFlight(t)
					continue
				}
				old := mainPid(t, "ringway.service")
				run(t, "gateway", "upgrade", "/usr/local/bin/gateway")
				eventually(t, "another main process", func() bool { return mainPid(t, "ringway.service") != old })
			}
			systemctl(t, "stop", "ringway.socket", "ringway.service")
			for range asked {
				if err := <-answers; err != nil {
					t.Errorf("a slow request: %v", err)
				}
			}
			for name, want := range map[string]string{"Result": "success", "ExecMainStatus": "0"} {
				expect(t, "ringway.service", name, want)
			}
		})
	}
}
