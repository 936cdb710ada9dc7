package gateway

import (
	"log/slog"
	"time"

	"ringway/internal/engine"
)

// Limits of the log lines for refused requests, which any client can cause.
const (
	refusalBurst = 10
	refusalEvery = time.Second // one more line each
)

// refusals logs refused requests, a limited number of them. Not safe for concurrent use.
type refusals struct {
	to      *slog.Logger
	now     func() time.Time
	credit  int
	since   time.Time // when credit was last added
	skipped uint64
}

func newRefusals(to *slog.Logger) *refusals {
	return &refusals{to: to, now: time.Now, credit: refusalBurst, since: time.Now()}
}

func (r *refusals) log(notice engine.Notice) {
	if earned := int(r.now().Sub(r.since) / refusalEvery); earned > 0 {
		r.credit = min(r.credit+earned, refusalBurst)
		r.since = r.since.Add(time.Duration(earned) * refusalEvery)
	}
	if r.credit == 0 {
		r.skipped += 1 + notice.Skipped
		return
	}
	r.credit--
	r.skipped += notice.Skipped
	line := []any{"client", notice.Client, "status", notice.Status, "reason", notice.Text, "lines_skipped", r.skipped}
	if notice.RequestID != "" {
		line = append(line, "request_id", notice.RequestID)
	}
	r.to.Warn("request refused", line...)
	r.skipped = 0
}
