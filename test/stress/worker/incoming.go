package main

import (
	"errors"
	"io"
	"math/rand/v2"

	"ringway/test/stress/plan"
)

// incoming reads a request body and checks it: whatever is read must be the body's next bytes, and its end may only come
// where it belongs.
type incoming struct {
	server *server
	plan   *plan.Plan
	body   io.Reader
	n      int
	sum    uint32
	ended  bool
}

// some reads into p once.
func (in *incoming) some(p []byte) error {
	n, err := in.body.Read(p)
	in.server.in.Add(uint64(n))
	if in.n+n > in.plan.Up {
		in.server.wrong(in.plan, "%d bytes came", in.n+n)
		return errGiveUp
	}
	in.sum = plan.Update(in.sum, p[:n])
	in.n += n
	switch {
	case err == io.EOF:
		in.ended = true
		if in.n != in.plan.Up || in.sum != in.plan.Sum {
			in.server.wrong(in.plan, "the body ended after %d bytes with sum %x", in.n, in.sum)
			return errGiveUp
		}
	case err != nil:
		return errors.Join(errGone, err)
	}
	return nil
}

func (in *incoming) read(buffer []byte, n int) error {
	for n > in.n && !in.ended {
		if err := in.some(buffer[:min(len(buffer), n-in.n)]); err != nil {
			return err
		}
	}
	return nil
}

func (in *incoming) readAll(buffer []byte, random *rand.Rand) error {
	for !in.ended {
		if err := in.some(buffer[random.IntN(len(buffer)):]); err != nil {
			return err
		}
	}
	return nil
}
