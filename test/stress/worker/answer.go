package main

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strconv"
	"time"

	"ringway/test/stress/plan"
)

// exchange is what the two ways of serving have in common.
type exchange interface {
	io.Writer
	Flush() error
	Reserve(n int) ([]byte, error)
	Commit(n int) error
	Body() io.Reader
	Context() context.Context
	SetHeader(name, value string) error
	Hint() error
}

var (
	errGiveUp = errors.New("the handler gives up")
	errGone   = errors.New("the client has gone")
)

func (s *server) answer(p *plan.Plan, x exchange) error {
	s.begin(p)
	defer s.finished.Add(1)
	err := s.serve(p, x)
	switch {
	case err == errGiveUp:
		s.gaveUp.Add(1)
	case err != nil:
		s.gone.Add(1)
	}
	return err
}

func (s *server) serve(p *plan.Plan, x exchange) error {
	random := p.Random()
	if p.Way == plan.GiveUp {
		return errGiveUp
	}
	in := &incoming{server: s, plan: p, body: x.Body()}
	switch p.Way {
	case plan.Slow:
		select {
		case <-x.Context().Done():
		case <-time.After(time.Duration(random.IntN(2000)) * time.Microsecond):
		}
	case plan.Hinted:
		if err := x.Hint(); err != nil {
			return errors.Join(errGone, err)
		}
	}
	if err := x.SetHeader("X-Id", strconv.FormatUint(p.ID, 16)); err != nil {
		return err
	}
	buffer := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buffer)
	switch p.Way {
	case plan.Unread, plan.Interleaved:
	case plan.Half:
		if err := in.read(*buffer, p.Up/2); err != nil {
			return err
		}
	default:
		if err := in.readAll(*buffer, random); err != nil {
			return err
		}
	}
	sent, err := write(p, x, in, *buffer, random)
	s.out.Add(uint64(sent))
	if err != nil {
		return errors.Join(errGone, err)
	}
	if p.Way == plan.Midway {
		return errGiveUp
	}
	return nil
}

// write sends the answer and returns how much of it went.
func write(p *plan.Plan, x exchange, in *incoming, buffer []byte, random *rand.Rand) (int, error) {
	body := p.Answer()
	switch p.Way {
	case plan.Pieces, plan.Announced, plan.Interleaved, plan.InPlace:
		if p.Way == plan.Announced {
			if err := x.SetHeader("Content-Length", strconv.Itoa(len(body))); err != nil {
				return 0, err
			}
		}
		largest := 1 + random.IntN(min(len(body)+1, 1<<random.IntN(18)))
		sent := 0
		for sent < len(body) {
			n := 1 + random.IntN(min(len(body)-sent, largest))
			if p.Way == plan.Interleaved && !in.ended {
				if err := in.some(buffer[:1+random.IntN(len(buffer))]); err != nil {
					return sent, err
				}
			}
			if p.Way == plan.InPlace {
				room, err := x.Reserve(n)
				if err != nil {
					return sent, err
				}
				n = copy(room, body[sent:])
				if err := x.Commit(n); err != nil {
					return sent, err
				}
			} else if _, err := x.Write(body[sent : sent+n]); err != nil {
				return sent, err
			}
			sent += n
			if random.IntN(8) == 0 {
				if err := x.Flush(); err != nil {
					return sent, err
				}
			}
			largest = max(largest, (len(body)-sent)/64) // not too many of them
		}
		if p.Way == plan.Interleaved {
			return sent, in.readAll(buffer, random)
		}
		return sent, nil
	case plan.Midway:
		body = body[:len(body)/2]
	}
	if len(body) > 0 {
		if _, err := x.Write(body); err != nil {
			return 0, err
		}
	}
	if p.Way == plan.Midway {
		return len(body), x.Flush()
	}
	return len(body), nil
}
