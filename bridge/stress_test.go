package bridge

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ringway/envmap"
	"ringway/ring"
	"ringway/ring/ringtest"
)

// stressTime is short unless RINGWAY_STRESS says otherwise (a duration, for each of the runs).
func stressTime(t *testing.T) time.Duration {
	d, err := time.ParseDuration(os.Getenv("RINGWAY_STRESS"))
	if err != nil {
		return 400 * time.Millisecond
	}
	return d
}

// Everything at once: bodies of 0 to 300 KiB both ways with checksums, cancels at any moment, arenas far too small for
// what is asked, few handlers. Nothing may be lost, mixed up or stuck, and every block must come back.
func TestStress(t *testing.T) {
	tight := ring.Geometry{Lanes: 1, RingSlots: 64, ExchangeSlots: 16, ArenaUnits: 192}
	for _, c := range []struct {
		name   string
		g      ring.Geometry
		window int
		opts   []Option
		env    bool
	}{
		{"auto", testGeometry, 64 << 10, nil, false},
		{"auto tight", tight, 4 << 10, nil, false},
		{"auto two handlers", tight, 16 << 10, []Option{WithMaxHandlers(2)}, false},
		{"pool of one", tight, 8 << 10, []Option{WithDispatch(Pool(1))}, false},
		{"pool", testGeometry, 64 << 10, []Option{WithDispatch(Pool(4))}, false},
		{"inline", tight, 4 << 10, []Option{WithDispatch(Inline)}, false},
		{"env", tight, 8 << 10, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var app envmap.App
			h := handle(stressHandler)
			if c.env {
				h, app = nil, stressEnv
			}
			x := newHarness(t, c.g, h, app, c.opts...)
			x.Window = c.window
			seed := rand.Uint64()
			var done, cancelled atomic.Int64
			var clients sync.WaitGroup
			end := time.Now().Add(stressTime(t))
			for i := range 24 {
				clients.Go(func() {
					rng := rand.New(rand.NewPCG(seed, uint64(i)))
					for time.Now().Before(end) && !t.Failed() {
						gone, err := stressOne(x, rng)
						if err != nil {
							t.Errorf("seed %d client %d: %v", seed, i, err)
							return
						}
						if gone {
							cancelled.Add(1)
						} else {
							done.Add(1)
						}
					}
				})
			}
			clients.Wait()
			if !t.Failed() {
				x.settled(t)
			}
			t.Logf("%d answered, %d cancelled", done.Load(), cancelled.Load())
		})
	}
}

// size is mostly small and sometimes up to 300 KiB.
func size(rng *rand.Rand) int {
	switch rng.IntN(4) {
	case 0:
		return 0
	case 1:
		return rng.IntN(3000)
	case 2:
		return rng.IntN(70_000)
	}
	return rng.IntN(300 << 10)
}

// stressOne asks for an answer of a given size to a body of a given size, and checks both.
func stressOne(x *harness, rng *rand.Rand) (cancelled bool, err error) {
	up, down, key := size(rng), size(rng), rng.IntN(1<<30)
	body := pattern(key, up)
	target := fmt.Sprintf("/?up=%d&down=%d&key=%d&how=%d", up, down, key, rng.IntN(6))
	req := ringtest.Request{Method: "POST", Target: target, Stream: true, Length: int64(up)}
	if up == 0 {
		req = ringtest.Request{Target: target}
	} else if rng.IntN(2) == 0 {
		req.Length = -1
	}
	ex := x.Start(req)
	stop := rng.IntN(10) == 0
	var timer *time.Timer
	if stop {
		timer = time.AfterFunc(time.Duration(rng.IntN(2000))*time.Microsecond, func() {
			ex.Cancel([]uint16{ring.CancelGone, ring.CancelDeadline, ring.CancelStopping}[key%3])
		})
		defer timer.Stop()
	}
	if up > 0 {
		for rest := body; len(rest) > 0; {
			n := min(len(rest), 1+rng.IntN(ring.MaxBlock))
			ex.Send(rest[:n])
			rest = rest[n:]
		}
		ex.End()
	}
	a, err := ex.Wait()
	if err != nil {
		return false, err
	}
	if ex.Cancelled() {
		return true, nil
	}
	if a.Aborted || a.Status != 200 {
		return false, fmt.Errorf("%s: status %d, aborted %v %d", target, a.Status, a.Aborted, a.Abort)
	}
	if got, want := a.Get("X-Sum"), strconv.Itoa(int(crc32.ChecksumIEEE(body))); got != want {
		return false, fmt.Errorf("%s: the handler got a body with sum %q, want %q", target, got, want)
	}
	if !bytes.Equal(a.Body, pattern(key, down)) {
		return false, fmt.Errorf("%s: a body of %d bytes is not the right one of %d", target, len(a.Body), down)
	}
	return false, nil
}

// pattern is n bytes that tell key and position.
func pattern(key, n int) []byte {
	b := make([]byte, n)
	v := uint32(key)*2654435761 + 1
	for i := range b {
		v = v*1664525 + 1013904223
		b[i] = byte(v >> 24)
	}
	return b
}

func stressHandler(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	down, _ := strconv.Atoi(q.Get("down"))
	key, _ := strconv.Atoi(q.Get("key"))
	sum := crc32.NewIEEE()
	if key%7 == 0 {
		time.Sleep(time.Duration(key%500) * time.Microsecond)
	}
	if _, err := io.Copy(sum, r.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-Sum", strconv.Itoa(int(sum.Sum32())))
	body := pattern(key, down)
	switch q.Get("how") {
	case "0":
		_, _ = w.Write(body)
	case "1":
		_, _ = io.Copy(w, struct{ io.Reader }{bytes.NewReader(body)})
	case "2":
		w.Header().Set("Content-Length", strconv.Itoa(down))
		w.WriteHeader(200)
		for len(body) > 0 {
			n := min(len(body), 777)
			if _, err := w.Write(body[:n]); err != nil {
				return
			}
			body = body[n:]
		}
	case "3":
		b, _ := Blocks(w)
		for len(body) > 0 {
			p, err := b.Reserve(len(body))
			if err != nil {
				return
			}
			n := copy(p, body)
			if b.Commit(n) != nil {
				return
			}
			body = body[n:]
		}
	case "4":
		w.(http.Flusher).Flush()
		half := len(body) / 2
		_, _ = w.Write(body[:half])
		w.(http.Flusher).Flush()
		_, _ = w.Write(body[half:])
	default:
		for len(body) > 0 {
			n := min(len(body), 10_000)
			if _, err := w.Write(body[:n]); err != nil {
				return
			}
			body = body[n:]
			w.(http.Flusher).Flush()
		}
	}
}

func stressEnv(e envmap.Env) error {
	var down, key, up, how int
	if _, err := fmt.Sscanf(e.Query(), "up=%d&down=%d&key=%d&how=%d", &up, &down, &key, &how); err != nil {
		return err
	}
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, e.Body()); err != nil {
		return errors.Join(envmap.ErrAbort, err)
	}
	if err := e.SetHeader("X-Sum", strconv.Itoa(int(sum.Sum32()))); err != nil {
		return err
	}
	body := pattern(key, down)
	if how%2 == 0 {
		_, err := e.Write(body)
		return err
	}
	_, err := io.Copy(e, bytes.NewReader(body))
	return err
}
