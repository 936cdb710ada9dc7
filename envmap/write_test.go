package envmap_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

// pieces writes total bytes in pieces of one size and returns what was written.
func pieces(t *testing.T, env envmap.Env, total, piece int) string {
	t.Helper()
	var all strings.Builder
	for i := 0; all.Len() < total; i++ {
		p := bytes.Repeat([]byte{byte('a' + i%26)}, min(piece, total-all.Len()))
		var n int
		var err error
		if i%2 == 0 {
			n, err = env.Write(p)
		} else {
			n, err = env.WriteString(string(p))
		}
		if n != len(p) || err != nil {
			t.Fatalf("write of %d = %d, %v", len(p), n, err)
		}
		all.Write(p)
	}
	return all.String()
}

func TestWriteSizes(t *testing.T) {
	for _, declared := range []bool{false, true} {
		for _, total := range []int{0, 1, envmap.BodyHeld - 1, envmap.BodyHeld, envmap.BodyHeld + 1, 100_000} {
			for _, piece := range []int{1, 1000, envmap.BodyHeld, 1 << 20} {
				if piece == 1 && total > envmap.BodyHeld+1 {
					continue
				}
				var want string
				x := inside(t, envtest.Request{}, func(env envmap.Env) {
					if declared {
						_ = env.SetHeader("content-length", fmt.Sprint(total))
					}
					want = pieces(t, env, total, piece)
				})
				if string(x.Body) != want {
					t.Errorf("%d in pieces of %d: %d bytes arrived, or others", total, piece, len(x.Body))
				}
				small := total <= envmap.BodyHeld
				equal(t, "whole", x.Whole, small)
				switch {
				case small || declared:
					equal(t, "length", x.Length, int64(total))
				default:
					equal(t, "length", x.Length, envmap.LengthUnknown)
				}
				equal(t, "Content-Length among the fields", x.Header("Content-Length"), "")
			}
		}
	}
}

func TestWriteBeyondContentLength(t *testing.T) {
	x := inside(t, envtest.Request{}, func(env envmap.Env) {
		_ = env.SetHeader("Content-Length", "3")
		_, _ = env.WriteString("ab")
		if n, err := env.WriteString("cd"); n != 0 || !errors.Is(err, envmap.ErrContentLength) {
			t.Errorf("write = %d, %v", n, err)
		}
		if n, err := env.Write(make([]byte, 9999)); n != 0 || !errors.Is(err, envmap.ErrContentLength) {
			t.Errorf("write = %d, %v", n, err)
		}
		_, _ = env.WriteString("c")
		if _, err := env.Reserve(1); !errors.Is(err, envmap.ErrContentLength) {
			t.Errorf("Reserve: %v", err)
		}
	})
	equal(t, "body", string(x.Body), "abc")
}

func TestShortBody(t *testing.T) {
	for written, status := range map[int]int{0: 500, 1: 0, envmap.BodyHeld + 1: 200} {
		x, err := envtest.Do(func(env envmap.Env) error {
			_ = env.SetHeader("Content-Length", "5000")
			if written > 0 {
				_, _ = env.Write(make([]byte, written))
			}
			return nil
		}, envtest.Request{})
		if !errors.Is(err, envmap.ErrShortBody) {
			t.Errorf("%d written: %v", written, err)
		}
		equal(t, fmt.Sprint("status after ", written), x.Status, status)
		equal(t, "clean", x.Clean(), written == 0)
	}
}

func TestHeadIsCountedNotSent(t *testing.T) {
	head := envtest.Request{Method: "HEAD"}
	for _, total := range []int{1, 100, 100_000} {
		x := inside(t, head, func(env envmap.Env) { pieces(t, env, total, 1000) })
		equal(t, "body", len(x.Body), 0)
		equal(t, "length", x.Length, int64(total))
	}
	x := inside(t, head, func(env envmap.Env) {
		_ = env.SetHeader("Content-Length", "77")
	})
	equal(t, "length", x.Length, 77)
	x = inside(t, head, func(envmap.Env) {})
	equal(t, "length", x.Length, envmap.LengthUnknown)
	x = inside(t, head, func(env envmap.Env) {
		_, _ = env.WriteString("a")
		b, err := env.Reserve(10)
		if err != nil || len(b) == 0 {
			t.Fatal(err)
		}
		_ = env.Commit(2)
		_ = env.Flush()
		_, _ = env.WriteString("a")
	})
	equal(t, "body", len(x.Body), 0)
	equal(t, "flushes", len(x.Flushed), 1)
	x, err := envtest.Do(func(envmap.Env) error { return errors.New("no") }, head)
	if err == nil || x.Status != 500 || len(x.Body) > 0 || x.Length == 0 {
		t.Errorf("a failure: %v, %d, %q, %d", err, x.Status, x.Body, x.Length)
	}
}

func TestStatusWithoutBody(t *testing.T) {
	for status, length := range map[int]int64{204: 0, 304: envmap.LengthUnknown} {
		x := inside(t, envtest.Request{}, func(env envmap.Env) {
			_ = env.SetStatus(status)
			if _, err := env.Write(nil); err != nil {
				t.Error(err)
			}
			if _, err := env.WriteString("x"); !errors.Is(err, envmap.ErrBodyNotAllowed) {
				t.Errorf("WriteString: %v", err)
			}
			if _, err := env.Reserve(1); !errors.Is(err, envmap.ErrBodyNotAllowed) {
				t.Errorf("Reserve: %v", err)
			}
		})
		equal(t, "status", x.Status, status)
		equal(t, "length", x.Length, length)
	}
	x := inside(t, envtest.Request{}, func(env envmap.Env) {
		_ = env.SetStatus(304)
		_ = env.SetHeader("Content-Length", "9")
	})
	equal(t, "length", x.Length, 9)
}

func TestFlush(t *testing.T) {
	x := inside(t, envtest.Request{}, func(env envmap.Env) {
		for _, p := range []string{"ab", "", "cde"} {
			_, _ = env.WriteString(p)
			if err := env.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	})
	equal(t, "body", string(x.Body), "abcde")
	if !slices.Equal(x.Flushed, []int{2, 2, 5}) {
		t.Errorf("flushed at %v", x.Flushed)
	}
}

// TestResponseBodyReplaced: what middleware puts in front of the body gets the writes, and passes them on to the
// original.
func TestResponseBodyReplaced(t *testing.T) {
	upper := func(next envmap.App) envmap.App {
		return func(env envmap.Env) error {
			v, _ := env.Get(envmap.KeyResponseBody)
			if err := env.Set(envmap.KeyResponseBody, &upperWriter{w: v.(io.Writer)}); err != nil {
				return err
			}
			return next(env)
		}
	}
	app := upper(func(env envmap.Env) error {
		_, _ = env.Write([]byte("write "))
		_, _ = env.WriteString("string ")
		b, err := env.Reserve(100)
		if err != nil {
			return err
		}
		if err := env.Commit(copy(b, "reserve ")); err != nil {
			return err
		}
		if err := env.Commit(0); !errors.Is(err, envmap.ErrReserved) {
			t.Errorf("second Commit: %v", err)
		}
		if _, err := env.ReadFrom(strings.NewReader("from ")); err != nil {
			return err
		}
		if err := env.Flush(); err != nil {
			return err
		}
		return env.Reply(200).Text("reply")
	})
	x, err := envtest.Do(app, envtest.Request{})
	if !errors.Is(err, envmap.ErrSealed) { // the reply came after the first write
		t.Fatal(err)
	}
	equal(t, "body", string(x.Body), "WRITE STRING RESERVE FROM ")
	equal(t, "flushes", len(x.Flushed), 1)
}

type upperWriter struct{ w io.Writer }

func (u *upperWriter) Write(p []byte) (int, error) { return u.w.Write(bytes.ToUpper(p)) }

func TestResponseBodyOfAWrongType(t *testing.T) {
	x, err := envtest.Do(func(env envmap.Env) error {
		_ = env.Set(envmap.KeyResponseBody, 5)
		_, err := env.WriteString("x")
		return err
	}, envtest.Request{})
	if err == nil || !strings.Contains(err.Error(), "owin.ResponseBody is of type int") {
		t.Errorf("error: %v", err)
	}
	equal(t, "status", x.Status, 500)
}

// TestExchangeFails: a client that goes away is reported by every later call and ends in Abort.
func TestExchangeFails(t *testing.T) {
	x := envtest.NewExchange(t.Context(), envtest.Request{})
	x.FailAt = 50_000
	err := envmap.NewRunner(func(env envmap.Env) error {
		var first error
		for range 100 {
			if _, err := env.Write(make([]byte, 1000)); err != nil {
				first = err
				break
			}
		}
		for what, err := range map[string]error{"Flush": env.Flush(), "Commit": env.Commit(0)} {
			if err != first {
				t.Errorf("%s: %v, want %v", what, err, first)
			}
		}
		return nil // the application looked away
	}).Run(x)
	if !errors.Is(err, io.ErrClosedPipe) || !errors.Is(x.Aborted, io.ErrClosedPipe) {
		t.Errorf("Run: %v, aborted: %v", err, x.Aborted)
	}
}

func TestSendFails(t *testing.T) {
	for _, result := range []error{nil, errors.New("own")} {
		x := envtest.NewExchange(t.Context(), envtest.Request{})
		x.FailAt = 1
		err := envmap.NewRunner(func(envmap.Env) error { return result }).Run(x)
		if !errors.Is(err, io.ErrClosedPipe) || x.Aborted == nil || result != nil && !errors.Is(err, result) {
			t.Errorf("Run: %v, aborted: %v", err, x.Aborted)
		}
	}
}
