package clients

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync/atomic"
	"testing"

	"ringway/test/e2e/system"
)

// counted counts the bytes that the client has taken, and hides what else it could know about them.
type counted struct {
	io.Reader
	n       atomic.Int64
	atEnd   func()
	trailed bool
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	if err == io.EOF && c.atEnd != nil && !c.trailed {
		c.trailed = true
		c.atEnd()
	}
	return n, err
}

func (c *counted) Close() error { return nil }

// sendByGo sends requests by net/http.
func sendByGo(t *testing.T, s session) []answer {
	transport := &http.Transport{ExpectContinueTimeout: system.Patience, DisableCompression: true}
	defer transport.CloseIdleConnections()
	c := &http.Client{Transport: transport}
	ctx, cancel := context.WithTimeout(t.Context(), 2*system.Patience)
	defer cancel()
	answers := make([]answer, len(s.requests))
	for i, r := range s.requests {
		if err := oneByGo(ctx, c, s.base, r, &answers[i]); err != nil {
			answers[i].Error = err.Error()
		}
	}
	return answers
}

func oneByGo(ctx context.Context, c *http.Client, base string, r request, a *answer) error {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		Got1xxResponse: func(status int, _ textproto.MIMEHeader) error {
			a.Informed = append(a.Informed, status)
			return nil
		},
	})
	q, err := http.NewRequestWithContext(ctx, r.Method, base+r.Path, nil)
	if err != nil {
		return err
	}
	for _, f := range r.Fields {
		q.Header.Add(f[0], f[1])
	}
	body := &counted{}
	if r.Size != none {
		body.Reader = bytes.NewReader(content[:r.Size])
		q.Body, q.ContentLength = body, int64(r.Size)
		if r.Size == 0 {
			q.Body = http.NoBody
		}
	}
	if r.Chunked {
		q.Body, q.ContentLength = body, -1
	}
	if r.Expect {
		q.Header.Set("Expect", "100-continue")
	}
	if len(r.Trailers) > 0 {
		q.Trailer = http.Header{}
		for _, f := range r.Trailers {
			q.Trailer[http.CanonicalHeaderKey(f[0])] = nil
		}
		body.atEnd = func() {
			for _, f := range r.Trailers {
				q.Trailer.Add(f[0], f[1])
			}
		}
	}
	got, err := c.Do(q)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		return err
	}
	a.Status, a.Fields, a.Trailers, a.Sent = got.StatusCode, pairs(got.Header), pairs(got.Trailer), int(body.n.Load())
	if got.Close {
		a.Fields = append(a.Fields, [2]string{"Connection", "close"}) // net/http takes the field away
	}
	a.setBody(text)
	return nil
}
