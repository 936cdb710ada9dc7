package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ringway/internal/admin"
)

const (
	// followSilence is how long a gateway that is followed may say nothing: it sends a sample each second.
	followSilence = 15 * time.Second
	// followPatience is for how long one that is gone is asked again: another process may take its place.
	followPatience = 30 * time.Second
	followRetry    = 250 * time.Millisecond
	mostEventBytes = 16 << 20
)

// follower is told what GET /events says. An error of a method ends the following, with that error.
type follower interface {
	// begins: the gateway is this one from now on; anew if it is another process than before, whose counters begin at zero.
	begins(s *admin.Snapshot, anew bool) error
	// event has the data of an event, as text and decoded.
	event(text []byte, e admin.Event) error
	sample(s admin.Sample) error
	// lost: the connection has ended, and another is tried.
	lost(cause error) error
}

// errEnough ends the following without being an error.
var errEnough = errors.New("enough")

// refused is an answer that asking again does not change.
type refused struct{ error }

// refusal is an answer other than 200; one of 503 may be another one later.
func refusal(answer *http.Response) error {
	err := failed(answer)
	if answer.StatusCode < http.StatusInternalServerError {
		err = refused{err}
	}
	return err
}

// follow tells f what happens until ctx is done, which is no error. A gateway that does not answer at all is an error at once; one that
// has answered may be silent for followPatience.
func (c *client) follow(ctx context.Context, f follower) error {
	s := stream{client: c, follower: f}
	heard := time.Time{}
	for {
		err := s.once(ctx, func() { heard = time.Now() })
		var final refused
		switch {
		case ctx.Err() != nil || errors.Is(err, errEnough):
			return nil
		case s.err != nil:
			return s.err
		case heard.IsZero(), errors.As(err, &final), time.Since(heard) > followPatience:
			return err
		}
		if s.following {
			s.following = false
			if err := f.lost(err); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followRetry):
		}
	}
}

// stream is one gateway after the other.
type stream struct {
	*client
	follower
	started   time.Time // of the process
	last      uint64    // event
	following bool
	err       error // of the follower
}

// once follows one connection to its end, which is always an error.
func (s *stream) once(ctx context.Context, heard func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(followSilence, cancel)
	defer silence.Stop()
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return err
	}
	anew := !snapshot.Gateway.Started.Equal(s.started)
	if anew {
		s.started, s.last = snapshot.Gateway.Started, 0
	}
	request, err := s.request(ctx, http.MethodGet, "/events", nil)
	if err != nil {
		return err
	}
	if s.last != 0 {
		request.Header.Set("Last-Event-ID", strconv.FormatUint(s.last, 10))
	}
	answer, err := s.send(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return refusal(answer)
	}
	s.following = true
	if s.err = s.begins(snapshot, anew); s.err != nil {
		return s.err
	}
	return s.read(answer.Body, func() {
		heard()
		silence.Reset(followSilence)
	})
}

// snapshot asks for GET /stats.
func (c *client) snapshot(ctx context.Context) (*admin.Snapshot, error) {
	answer, err := c.do(ctx, http.MethodGet, "/stats", nil)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, refusal(answer)
	}
	var s admin.Snapshot
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		return nil, fmt.Errorf("the gateway's answer cannot be read: %w, expected one of this version", err)
	}
	return &s, nil
}

// read takes server-sent events apart (HTML 9.2.6), as far as the admin server uses what they may have.
func (s *stream) read(body io.Reader, heard func()) error {
	scanner := bufio.NewScanner(body)
	scanner.Buffer(nil, mostEventBytes)
	kind, data := "", ""
	for scanner.Scan() {
		heard()
		field, value, _ := strings.Cut(scanner.Text(), ": ")
		switch field {
		case "event":
			kind = value
		case "data":
			data = value
		case "":
			if s.err = s.take(kind, []byte(data)); s.err != nil {
				return s.err
			}
			kind, data = "", ""
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("the events have ended: %w", err)
	}
	return errors.New("the gateway has ended the events")
}

func (s *stream) take(kind string, data []byte) error {
	switch kind {
	case "state":
		var e admin.Event
		if err := json.Unmarshal(data, &e); err != nil {
			return fmt.Errorf("event %.80q cannot be read: %w", data, err)
		}
		s.last = e.ID
		return s.event(data, e)
	case "sample":
		var sample admin.Sample
		if err := json.Unmarshal(data, &sample); err != nil {
			return fmt.Errorf("sample %.80q cannot be read: %w", data, err)
		}
		return s.sample(sample)
	}
	return nil // of a later version
}
