package cli

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"ringway/internal/admin"
)

var answerClasses = []string{"1xx", "2xx", "3xx", "4xx", "5xx"}

// line is a sample where there is no terminal.
func (v *viewer) line() string {
	return fmt.Sprintf("%s  %s  %s", v.last.Time.Local().Format(time.TimeOnly), v.last.State, strings.Join(v.figures(), "  "))
}

// figures are those of the gateway as a whole; "-" where there is only one sample.
func (v *viewer) figures() []string {
	rate := func(n float64, tell func(float64) string) string {
		if !v.known {
			return "-"
		}
		return tell(n)
	}
	r, s := v.rates, v.last
	figures := []string{
		"requests/s " + rate(r.requests, short), "p50 " + shortTime(r.p50), "p99 " + shortTime(r.p99),
		fmt.Sprintf("connections %d", s.Connections), fmt.Sprintf("in flight %d", s.InFlight), fmt.Sprintf("parked %d", s.Parked),
		"in/s " + rate(r.bytesIn, shortBytes), "out/s " + rate(r.bytesOut, shortBytes), "refused/s " + rate(r.refused, short),
	}
	for _, class := range answerClasses {
		if s.Answers[class] > 0 {
			figures = append(figures, class+"/s "+rate(r.answers[class], short))
		}
	}
	return figures
}

// frame is a screen of at most height lines of at most width characters.
func (v *viewer) frame(width, height int) []string {
	g := v.snapshot.Gateway
	f := &frame{width: width}
	state, now := g.State, time.Now()
	if v.last != nil {
		state, now = v.last.State, v.last.Time
	}
	f.add(strong, fmt.Sprintf("gateway %s  pid %d  version %s  up %v", state, g.Pid, printable(g.Version), now.Sub(g.Started).Truncate(time.Second)))
	if v.trouble != "" {
		f.add(strong, v.trouble)
	}
	if v.last != nil {
		f.wrap(v.figures())
		f.add("", spark(v.history, width-len("requests "), "requests "))
		f.add("", "")
		f.table(v.releaseRows())
		f.add("", "")
		f.table(workerRows(v.last.Lanes, v.snapshot.Workers))
	}
	if room := height - len(f.lines) - 2; room > 0 && len(v.events) > 0 {
		f.add("", "")
		f.add(faint, "EVENTS")
		for _, e := range slices.Backward(v.events[max(0, len(v.events)-room):]) {
			f.add("", e.Time.Local().Format(time.TimeOnly)+"  "+eventText(e))
		}
	}
	return f.lines[:min(len(f.lines), height)]
}

type frame struct {
	width int
	lines []string
}

// add cuts a line where the screen ends. style is an escape sequence, or "".
func (f *frame) add(style, text string) {
	if utf8.RuneCountInString(text) > f.width {
		text = string([]rune(text)[:max(0, f.width)])
	}
	if style != "" {
		text = style + text + plain
	}
	f.lines = append(f.lines, text)
}

// wrap puts as many figures on each line as there is room for.
func (f *frame) wrap(figures []string) {
	line := ""
	for _, figure := range figures {
		switch {
		case line == "":
			line = figure
		case utf8.RuneCountInString(line)+3+utf8.RuneCountInString(figure) > f.width:
			f.add("", line)
			line = figure
		default:
			line += "   " + figure
		}
	}
	f.add("", line)
}

// table aligns rows, the first of which names the columns.
func (f *frame) table(rows []string) {
	var text bytes.Buffer
	t := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		_, _ = fmt.Fprintln(t, row)
	}
	_ = t.Flush() // to memory
	for i, line := range strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n") {
		f.add(map[bool]string{true: faint}[i == 0], strings.TrimRight(line, " "))
	}
}

func (v *viewer) releaseRows() []string {
	rows := []string{"RELEASE\tSTATE\tFOR\tWORKERS\tREADY\tREASON"}
	for _, r := range slices.Backward(v.snapshot.Releases[max(0, len(v.snapshot.Releases)-4):]) {
		rows = append(rows, fmt.Sprintf("%s\t%s\t%v\t%d\t%d\t%s", printable(r.Name), r.State, since(r.Since), r.Workers, r.Ready, printable(r.Reason)))
	}
	return rows
}

// workerRows add up the lanes of each worker.
func workerRows(lanes []admin.LaneSample, workers []admin.Worker) []string {
	rows := []string{"WORKER\tRELEASE\tSTATE\tIN FLIGHT\tRING\tINBOUND\tOUTBOUND\tAVOIDED\tSTALLS"}
	sums := make(map[uint64]admin.LaneSample)
	var order []uint64
	for _, l := range lanes {
		sum, found := sums[l.Worker]
		if !found {
			order = append(order, l.Worker)
			sum.State = l.State
		}
		sum.Depth, sum.Slots, sum.InFlight = sum.Depth+l.Depth, sum.Slots+l.Slots, sum.InFlight+l.InFlight
		sum.ArenaBytes, sum.InboundBytes, sum.OutboundBytes = sum.ArenaBytes+l.ArenaBytes, sum.InboundBytes+l.InboundBytes, sum.OutboundBytes+l.OutboundBytes
		sum.WakeupsSent, sum.WakeupsAvoided, sum.FullStalls = sum.WakeupsSent+l.WakeupsSent, sum.WakeupsAvoided+l.WakeupsAvoided, sum.FullStalls+l.FullStalls
		sums[l.Worker] = sum
	}
	slices.Sort(order)
	for _, id := range order {
		sum, release, state := sums[id], "-", sums[id].State
		for _, w := range workers {
			if w.ID == id {
				release = printable(w.Release)
				if state = w.State; w.Stuck {
					state += ", stuck"
				}
			}
		}
		avoided := "-"
		if all := sum.WakeupsSent + sum.WakeupsAvoided; all > 0 {
			avoided = fmt.Sprintf("%.1f%%", 100*float64(sum.WakeupsAvoided)/float64(all))
		}
		rows = append(rows, fmt.Sprintf("%d\t%s\t%s\t%d\t%d/%d\t%s/%s\t%s/%s\t%s\t%d", id, release, state, sum.InFlight, sum.Depth, sum.Slots,
			shortBytes(float64(sum.InboundBytes)), shortBytes(float64(sum.ArenaBytes)), shortBytes(float64(sum.OutboundBytes)),
			shortBytes(float64(sum.ArenaBytes)), avoided, sum.FullStalls))
	}
	return rows
}

// spark draws the last values as bars of at most width characters, behind a name.
func spark(values []float64, width int, name string) string {
	values = values[max(0, len(values)-max(0, width)):]
	if len(values) == 0 {
		return ""
	}
	bars, most := []rune("▁▂▃▄▅▆▇█"), max(1, slices.Max(values))
	text := []rune(name)
	for _, value := range values {
		text = append(text, bars[int(value/most*float64(len(bars)-1)+0.5)])
	}
	return string(text)
}
