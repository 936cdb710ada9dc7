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

func (j *jsonLines) appendLine(line []byte, r *engine.AccessRecord) []byte {
	line = append(line, `{"time":"`...)
	line = j.clock.appendSecond(line, r.Start)
	ms := r.Start % 1e9 / 1e6
	line = append(line, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	line = append(line, `Z","client":"`...)
	line = appendClient(line, r, "")
	line = append(line, `","client_port":`...)
	line = strconv.AppendUint(line, uint64(r.Client.Port()), 10)
	line = appendText(line, `,"request_id":"`, r.RequestID)
	line = appendText(line, `","method":"`, r.Method)
	line = appendText(line, `","target":"`, r.Target)
	line = appendText(line, `","host":"`, r.Host)
	line = append(line, `","version":"`...)
	line = appendVersion(line, r.Version)
	line = append(line, `","status":`...)
	line = strconv.AppendInt(line, int64(r.Status), 10)
	line = appendCount(line, `,"bytes_received":`, r.Received)
	line = appendCount(line, `,"bytes_sent":`, r.Sent)
	line = appendCount(line, `,"body_bytes_sent":`, r.SentBody)
	line = appendMicroseconds(line, `,"queue_us":`, r.Queue)
	line = appendMicroseconds(line, `,"handler_us":`, r.Handler)
	line = appendMicroseconds(line, `,"total_us":`, r.Total)
	line = appendText(line, `,"referer":"`, r.Referer)
	line = appendText(line, `","user_agent":"`, r.UserAgent)
	line = appendCount(line, `","worker":`, r.Worker)
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
	return appendJSON(append(line, key...), value)
}

func appendCount(line []byte, key string, value uint64) []byte {
	return strconv.AppendUint(append(line, key...), value, 10)
}

func appendMicroseconds(line []byte, key string, value time.Duration) []byte {
	line = append(line, key...)
	if value < 0 {
		return append(line, "null"...)
	}
	return strconv.AppendInt(line, value.Microseconds(), 10)
}

func appendVersion(line []byte, version uint8) []byte {
	if version == 0 {
		return line
	}
	return append(line, 'H', 'T', 'T', 'P', '/', '0'+version>>4, '.', '0'+version&15)
}

func appendClient(line []byte, r *engine.AccessRecord, none string) []byte {
	if !r.Client.IsValid() {
		return append(line, none...)
	}
	return r.Client.Addr().AppendTo(line)
}

// combined is the "combined" log format that web servers share.
type combined struct{ clock clock }

func (c *combined) appendLine(line []byte, r *engine.AccessRecord) []byte {
	line = appendClient(line, r, "-")
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
