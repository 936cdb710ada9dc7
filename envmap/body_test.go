package envmap_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

func post(body string) envtest.Request {
	return envtest.Request{Method: "POST", Body: strings.NewReader(body), Length: int64(len(body))}
}

func TestRequestBodyCopied(t *testing.T) {
	long := strings.Repeat("0123456789", 10_000)
	for name, r := range map[string]envtest.Request{
		"known length":   post(long),
		"unknown length": {Method: "POST", Body: struct{ io.Reader }{strings.NewReader(long)}, Length: envmap.LengthUnknown},
	} {
		x := inside(t, r, func(env envmap.Env) {
			if n, err := io.Copy(env, env.Body()); n != int64(len(long)) || err != nil {
				t.Errorf("%s: Copy = %d, %v", name, n, err)
			}
			if n, err := env.Body().Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("%s: Read past the end = %d, %v", name, n, err)
			}
		})
		equal(t, name+" is the same", string(x.Body) == long, true)
	}
}

func TestBodiesIgnoreClose(t *testing.T) {
	x := inside(t, post("abc"), func(env envmap.Env) {
		in, _ := env.Get(envmap.KeyRequestBody)
		out, _ := env.Get(envmap.KeyResponseBody)
		equal(t, "Close", in.(io.Closer).Close(), nil)
		equal(t, "Close", out.(io.Closer).Close(), nil)
		if _, err := io.Copy(out.(io.Writer), in.(io.Reader)); err != nil {
			t.Error(err)
		}
	})
	equal(t, "body", string(x.Body), "abc")
}

// TestRequestBodyReplaced: what middleware assigned is what the App reads.
func TestRequestBodyReplaced(t *testing.T) {
	inside(t, post("abc"), func(env envmap.Env) {
		original := env.Body()
		_ = env.Set(envmap.KeyRequestBody, io.MultiReader(strings.NewReader("<"), original, strings.NewReader(">")))
		all, err := io.ReadAll(env.Body())
		if string(all) != "<abc>" || err != nil {
			t.Errorf("read %q, %v", all, err)
		}
	})
}

func TestRequestBodyWriteToFailingWriter(t *testing.T) {
	own := errors.New("own")
	inside(t, post("abc"), func(env envmap.Env) {
		if _, err := io.Copy(failingWriter{own}, env.Body()); !errors.Is(err, own) {
			t.Errorf("Copy: %v", err)
		}
	})
	inside(t, post(""), func(env envmap.Env) {
		var b bytes.Buffer
		if n, err := io.Copy(&b, env.Body()); n != 0 || err != nil {
			t.Errorf("Copy of nothing = %d, %v", n, err)
		}
	})
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
