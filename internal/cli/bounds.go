package cli

import (
	"fmt"
	"math"
	"strings"
	"time"

	"ringway/ring"
)

// maxHead is the most that request line and header fields may have together, so that a request block fits into the
// largest block of an arena.
const maxHead size = 48 << 10

// mostConnections is more than one host has ports and descriptors for.
const mostConnections = 1 << 24

// bound is what a number, duration or size among the flags may be.
type bound struct {
	name                 string
	value, lowest, upper int64
	text                 func(int64) string
}

func bounded[T int | time.Duration | size](name string, value, lowest, upper T) bound {
	return bound{name, int64(value), int64(lowest), int64(upper), func(n int64) string {
		v := T(n)
		if s, ok := any(&v).(fmt.Stringer); ok {
			return s.String()
		}
		return fmt.Sprint(v)
	}}
}

// bounds are those that need no other flag. Powers of two and the like are for geometry.
func (o *options) bounds() []bound {
	const day = 24 * time.Hour
	return []bound{
		bounded("workers", o.workers, 1, 1024),
		bounded("worker-max-requests", o.workerRequests, 0, math.MaxInt),
		bounded("breaker-ends", o.breakerEnds, 0, 1000),
		bounded("loops", o.loops, 1, ring.MaxLanes),
		bounded("ready-workers", o.readyWorkers, 1, 1024),
		bounded("backlog", o.backlog, 1, 1<<20),
		bounded("max-connections", o.maxConnections, 1, mostConnections),
		bounded("client-connections", o.clientConnections, 0, mostConnections),
		bounded("max-requests", o.maxRequests, 0, math.MaxInt32),
		bounded("in-flight", o.inFlight, 0, ring.MaxLanes*ring.MaxExchanges),
		bounded("park-limit", o.parkLimit, 0, 1<<20),
		bounded("pipeline-depth", o.pipelineDepth, 1, 256),
		bounded("fields", o.fields, 1, 256),
		bounded("max-workers", o.maxWorkers, 1, 4096),
		bounded("queue-deadline", o.queueDeadline, time.Millisecond, day),
		bounded("ready-limit", o.readyLimit, time.Millisecond, day),
		bounded("confirm", o.confirm, 0, day),
		bounded("stuck-after", o.stuckAfter, 0, day),
		bounded("stuck-limit", o.stuckLimit, 0, day),
		bounded("worker-max-age", o.workerAge, 0, 365*day),
		bounded("breaker-window", o.breakerWindow, time.Millisecond, day),
		bounded("breaker-wait", o.breakerWait, time.Millisecond, day),
		bounded("drain-delay", o.drainDelay, 0, time.Hour),
		bounded("drain-limit", o.drainLimit, 0, day),
		bounded("spin", o.spin, 0, time.Millisecond),
		bounded("request-timeout", o.requestTimeout, 0, day),
		bounded("head-timeout", o.headTimeout, 0, day),
		bounded("idle-timeout", o.idleTimeout, 0, day),
		bounded("upgrade-idle", o.upgradeIdle, 0, 30*day),
		bounded("body-timeout", o.bodyTimeout, 0, day),
		bounded("send-timeout", o.sendTimeout, 0, day),
		bounded("worker-max-memory", o.workerMemory, 0, math.MaxInt64),
		bounded("max-body", o.maxBody, 0, math.MaxInt64),
		bounded("body-rate", o.bodyRate, 0, 1<<30),
		bounded("send-rate", o.sendRate, 0, 1<<30),
		bounded("line-bytes", o.lineBytes, 64, maxHead-256),
		bounded("head-bytes", o.headBytes, 256, maxHead-o.lineBytes),
	}
}

func (o *options) checkBounds() error {
	for _, b := range o.bounds() {
		if b.value < b.lowest || b.value > b.upper {
			return badInput("--%s %s is out of range, expected %s to %s", b.name, b.text(b.value), b.text(b.lowest), b.text(b.upper))
		}
	}
	return nil
}

// span is the range of a flag for people; empty if there is none.
func (o *options) span(name string) string {
	for _, b := range o.bounds() {
		switch {
		case b.name != name, b.lowest == 0 && b.upper == math.MaxInt64:
		default:
			return tidy(b.text(b.lowest)) + " to " + tidy(b.text(b.upper))
		}
	}
	return ""
}

// tidy leaves out what is nothing of a duration such as 1m0s.
func tidy(text string) string {
	for _, end := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, end) {
			text = text[:len(text)-2]
		}
	}
	return text
}
