package accesslog

import (
	"strconv"
	"time"

	"ringway/internal/engine"
)

// Formats by their names.
const (
	JSON     = "json"
	Combined = "combined"
)

// format appends the line of a record, its newline included.
type format interface {
	appendLine(line []byte, r *engine.AccessRecord) []byte
}

func newFormat(name string) format {
	if name == Combined {
		return &combined{clock: clock{layout: "02/Jan/2006:15:04:05 -0700"}}
	}
	return &jsonLines{clock: clock{layout: "2006-01-02T15:04:05"}}
}

// clock formats times in UTC; the text of a second is made once.
type clock struct {
	layout string
	second int64
	text   []byte
}

func (c *clock) appendSecond(line []byte, ns int64) []byte {
	if second := ns / 1e9; second != c.second || c.text == nil {
		c.second = second
		c.text = time.Unix(second, 0).UTC().AppendFormat(c.text[:0], c.layout)
	}
	return append(line, c.text...)
}

// jsonLines is a JSON object a line.
type jsonLines struct{ clock clock }

var (
	origins = []string{
		engine.ByGateway: "gateway", engine.ByNativePath: "native", engine.ByStaticFile: "static", engine.ByWorker: "worker",
	}
	ends = []string{engine.Complete: "complete", engine.ClientGone: "client_gone", engine.Cut: "cut"}
)

// What is empty, zero or unknown is left out: every byte of every line is written to a disk.
func (j *jsonLines) appendLine(line []byte, r *engine.AccessRecord) []byte {
	line = append(line, `{"time":"`...)
	line = j.clock.appendSecond(line, r.Start)
	ms := r.Start % 1e9 / 1e6
	line = append(line, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z', '"')
	if r.Client.IsValid() {
		line = append(r.Client.Addr().AppendTo(append(line, `,"client":"`...)), '"')
		line = appendCount(line, `,"port":`, uint64(r.Client.Port()))
	}
	line = appendText(line, `,"request_id":"`, r.RequestID)
	line = appendText(line, `,"method":"`, r.Method)
	line = appendText(line, `,"target":"`, r.Target)
	line = appendText(line, `,"host":"`, r.Host)
	if r.Version != 0 {
		line = append(line, `,"http":"`...)
		line = append(line, '0'+r.Version>>4, '.', '0'+r.Version&15, '"')
	}
	line = append(line, `,"status":`...)
	line = strconv.AppendInt(line, int64(r.Status), 10)
	line = appendCount(line, `,"received":`, r.Received)
	line = appendCount(line, `,"sent":`, r.Sent)
	line = appendCount(line, `,"sent_body":`, r.SentBody)
	line = appendMicroseconds(line, `,"queue_us":`, r.Queue)
	line = appendMicroseconds(line, `,"handler_us":`, r.Handler)
	line = appendMicroseconds(line, `,"total_us":`, r.Total)
	line = appendText(line, `,"referer":"`, r.Referer)
	line = appendText(line, `,"user_agent":"`, r.UserAgent)
	line = appendCount(line, `,"worker":`, r.Worker)
	line = append(line, `,"origin":"`...)
	line = append(line, origins[r.Origin]...)
	line = append(line, `","end":"`...)
	line = append(line, ends[r.End]...)
	line = append(line, '"')
	if r.Retried {
		line = append(line, `,"retried":true`...)
	}
	if r.Shortened {
		line = append(line, `,"shortened":true`...)
	}
	return append(line, '}', '\n')
}

func appendText(line []byte, key string, value []byte) []byte {
	if len(value) == 0 {
		return line
	}
	return append(appendJSON(append(line, key...), value), '"')
}

func appendCount(line []byte, key string, value uint64) []byte {
	if value == 0 {
		return line
	}
	return strconv.AppendUint(append(line, key...), value, 10)
}

// appendMicroseconds leaves an unknown time out, which is negative, but not 0.
func appendMicroseconds(line []byte, key string, value time.Duration) []byte {
	if value < 0 {
		return line
	}
	return strconv.AppendInt(append(line, key...), value.Microseconds(), 10)
}

func appendVersion(line []byte, version uint8) []byte {
	return append(line, 'H', 'T', 'T', 'P', '/', '0'+version>>4, '.', '0'+version&15)
}

// combined is the "combined" log format that web servers share.
type combined struct{ clock clock }

func (c *combined) appendLine(line []byte, r *engine.AccessRecord) []byte {
	if r.Client.IsValid() {
		line = r.Client.Addr().AppendTo(line)
	} else {
		line = append(line, '-')
	}
	line = append(line, " - - ["...)
	line = c.clock.appendSecond(line, r.Start)
	line = append(line, `] "`...)
	if r.Version == 0 {
		line = append(line, '-')
	} else {
		line = append(appendQuoted(line, r.Method), ' ')
		line = append(appendQuoted(line, r.Target), ' ')
		line = appendVersion(line, r.Version)
	}
	line = append(line, `" `...)
	line = appendOrDash(line, uint64(r.Status))
	line = append(line, ' ')
	line = appendOrDash(line, r.SentBody)
	line = append(line, ` "`...)
	line = appendQuotedOrDash(line, r.Referer)
	line = append(line, `" "`...)
	line = appendQuotedOrDash(line, r.UserAgent)
	return append(line, '"', '\n')
}

func appendOrDash(line []byte, n uint64) []byte {
	if n == 0 {
		return append(line, '-')
	}
	return strconv.AppendUint(line, n, 10)
}

func appendQuotedOrDash(line, s []byte) []byte {
	if len(s) == 0 {
		return append(line, '-')
	}
	return appendQuoted(line, s)
}
