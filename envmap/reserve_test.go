package envmap_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

func TestReserveCommit(t *testing.T) {
	for _, declared := range []bool{false, true} {
		for _, total := range []int{1, envmap.BodyHeld, envmap.BodyHeld + 1, 50_000} {
			x := inside(t, envtest.Request{}, func(env envmap.Env) {
				if declared {
					_ = env.SetHeader("Content-Length", fmt.Sprint(total))
				}
				for done := 0; done < total; {
					b, err := env.Reserve(total - done)
					if err != nil || len(b) < 1 || len(b) > total-done {
						t.Fatalf("Reserve(%d) = %d bytes, %v", total-done, len(b), err)
					}
					for i := range b {
						b[i] = byte(done + i)
					}
					if err := env.Commit(len(b)); err != nil {
						t.Fatal(err)
					}
					done += len(b)
				}
			})
			equal(t, "body", len(x.Body), total)
			for i, c := range x.Body {
				if c != byte(i) {
					t.Fatalf("byte %d of %d is %d", i, total, c)
				}
			}
			equal(t, "length known", x.Length >= 0, declared || total <= envmap.BodyHeld)
		}
	}
}

func TestReserveAndCommitPair(t *testing.T) {
	for _, large := range []bool{false, true} {
		x := inside(t, envtest.Request{}, func(env envmap.Env) {
			if large {
				_, _ = env.Write(make([]byte, envmap.BodyHeld+1))
			}
			if err := env.Commit(0); !errors.Is(err, envmap.ErrReserved) {
				t.Errorf("Commit without Reserve: %v", err)
			}
			if _, err := env.Reserve(0); err == nil {
				t.Error("Reserve(0) is accepted")
			}
			b, err := env.Reserve(100)
			if err != nil {
				t.Fatal(err)
			}
			for what, err := range map[string]error{
				"Reserve": second(env.Reserve(1)), "Write": second(env.Write(b)),
				"WriteString": second(env.WriteString("x")), "Flush": env.Flush(),
			} {
				if !errors.Is(err, envmap.ErrReserved) {
					t.Errorf("%s between Reserve and Commit: %v", what, err)
				}
			}
			for _, n := range []int{-1, len(b) + 1} {
				if err := env.Commit(n); err == nil {
					t.Errorf("Commit(%d) of %d is accepted", n, len(b))
				}
			}
			if err := env.Commit(0); err != nil {
				t.Error(err)
			}
			_, _ = env.Reserve(7) // left open: given back when the App returns
		})
		equal(t, "large", len(x.Body) > 0, large)
	}
}

func second[T any](_ T, err error) error { return err }

func TestReadFrom(t *testing.T) {
	for _, total := range []int{0, 1, envmap.BodyHeld, envmap.BodyHeld + 1, 100_000} {
		want := bytes.Repeat([]byte("0123456789"), total/10+1)[:total]
		for name, wrap := range map[string]func(io.Reader) io.Reader{
			"plain":   func(r io.Reader) io.Reader { return r },
			"halves":  iotest.HalfReader,
			"dataErr": iotest.DataErrReader,
		} {
			x := inside(t, envtest.Request{}, func(env envmap.Env) {
				n, err := io.Copy(env, wrap(struct{ io.Reader }{bytes.NewReader(want)}))
				if n != int64(total) || err != nil {
					t.Errorf("%s: Copy = %d, %v", name, n, err)
				}
			})
			equal(t, name+" is the same", bytes.Equal(x.Body, want), true)
		}
	}
}

func TestReadFromFailingReader(t *testing.T) {
	own := errors.New("own")
	x, err := envtest.Do(func(env envmap.Env) error {
		n, err := env.ReadFrom(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(own)))
		equal(t, "n", n, 3)
		return err
	}, envtest.Request{})
	if !errors.Is(err, own) || x.Clean() {
		t.Errorf("Run: %v, clean %v", err, x.Clean())
	}
}

func TestReadFromStopsAtContentLength(t *testing.T) {
	for source, want := range map[string]error{"abc": nil, "abcd": envmap.ErrContentLength} {
		x := inside(t, envtest.Request{}, func(env envmap.Env) {
			_ = env.SetHeader("Content-Length", "3")
			if n, err := env.ReadFrom(iotest.OneByteReader(strings.NewReader(source))); n != 3 || err != want {
				t.Errorf("ReadFrom(%q) = %d, %v, want %v", source, n, err, want)
			}
		})
		equal(t, "body", string(x.Body), "abc")
	}
}
