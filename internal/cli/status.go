package cli

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"ringway/internal/admin"
	"ringway/internal/supervisor"
)

func printStatus(stdout io.Writer, s *admin.Snapshot) error {
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(t, "gateway\t%s\tpid %d\tversion %s\tup %v\n", s.Gateway.State, s.Gateway.Pid, s.Gateway.Version,
		(time.Duration(s.Gateway.UptimeSeconds) * time.Second).String())
	if u := s.Gateway.Upgrade; u != nil {
		_, _ = fmt.Fprintf(t, "upgrade\t%s\tpid %d\t%s\tfor %v\t%s\n", u.State, u.Pid, u.Program, since(u.Since), u.Reason)
	}
	_, _ = fmt.Fprintln(t)
	_, _ = fmt.Fprintln(t, "RELEASE\tSTATE\tFOR\tWORKERS\tREADY\tREASON")
	for _, r := range s.Releases {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%v\t%d\t%d\t%s\n", r.Name, r.State, since(r.Since), r.Workers, r.Ready, r.Reason)
	}
	_, _ = fmt.Fprintln(t, "\nWORKER\tPID\tRELEASE\tSTATE\tFOR\tIN FLIGHT\tREQUESTS\tMEMORY")
	for _, w := range s.Workers {
		state := w.State
		if w.Stuck {
			state += ", stuck"
		}
		if w.Standby != "" {
			state += ", standby: " + w.Standby
		}
		memory := "-"
		if w.Memory > 0 {
			memory = fmt.Sprintf("%dMiB", w.Memory>>20)
		}
		_, _ = fmt.Fprintf(t, "%d\t%d\t%s\t%s\t%v\t%d\t%d\t%s\n", w.ID, w.Pid, w.Release, state, since(w.Attached), w.InFlight, w.Requests, memory)
	}
	if s.Supervisor != nil {
		printSupervisor(t, s.Supervisor)
	}
	return t.Flush()
}

// printSupervisor tells of the processes that the gateway keeps running.
func printSupervisor(t io.Writer, s *admin.Supervisor) {
	_, _ = fmt.Fprintln(t, "\nSLOT\tPID\tSTATE\tFOR\tRESTARTS\tLAST END")
	for _, slot := range s.Slots {
		state := slot.State
		if slot.Role != "" {
			state += ", " + slot.Role
		}
		if !slot.Until.IsZero() {
			state += fmt.Sprintf(", next start in %v", time.Until(slot.Until).Round(100*time.Millisecond))
		}
		pid := "-"
		if slot.Pid != 0 {
			pid = fmt.Sprint(slot.Pid)
		}
		_, _ = fmt.Fprintf(t, "%d\t%s\t%s\t%v\t%d\t%s\n", slot.Slot, pid, state, since(slot.Since), slot.Restarts, lastEnd(slot.LastEnd))
	}
	if r := s.Recycling; r.Count > 0 || r.Worker != 0 || r.Failure != "" {
		text := fmt.Sprintf("%d workers replaced by fresh ones", r.Count)
		if r.Worker != 0 {
			text += fmt.Sprintf("; worker %d makes way (%s)", r.Worker, r.Reason)
		}
		if r.Failure != "" {
			text += fmt.Sprintf("; the last replacement failed: %s; tried again in %v", r.Failure, max(0, time.Until(r.Next)).Round(100*time.Millisecond))
		}
		_, _ = fmt.Fprintf(t, "\n%s\n", text)
	}
}

// lastEnd says how a process ended, when, and how long it had lived.
func lastEnd(e *supervisor.End) string {
	if e == nil {
		return "-"
	}
	text := fmt.Sprintf("%s after %v, %v ago", e.Text, e.Lived.Round(time.Millisecond), since(e.At))
	if e.Pid == 0 {
		text = fmt.Sprintf("%s, %v ago", e.Text, since(e.At))
	}
	return text + map[bool]string{true: ", as asked"}[e.Asked]
}

func since(at time.Time) string { return time.Since(at).Round(time.Second).String() }
