package accesslog

import "time"

// watch tells when lines begin to be dropped, and when that has ended: also while the writing goroutine waits.
func (l *Log) watch() {
	defer close(l.watched)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var d drops
	for {
		select {
		case <-tick.C:
			l.look(&d)
		case <-l.closed:
			l.look(&d)
			l.look(&d) // so that the end of it is told too
			return
		}
	}
}

// drops is what the watch knows of them.
type drops struct {
	seen    uint64 // dropped so far
	before  uint64 // seen, when it began
	ongoing bool
}

func (l *Log) look(d *drops) {
	slow, failed := l.source.Dropped(), l.failed.Load()
	dropped := slow + failed
	switch {
	case dropped > d.seen && !d.ongoing:
		d.before, d.ongoing = d.seen, true
		cause := "it is not written as fast as requests come"
		if text := l.cause.Load(); text != nil && failed > 0 {
			cause = *text
		}
		l.log.Warn("lines of the access log are being dropped", "cause", cause)
	case dropped == d.seen && d.ongoing:
		d.ongoing = false
		l.log.Info("lines of the access log are no longer dropped", "dropped", dropped-d.before)
	}
	d.seen = dropped
}
