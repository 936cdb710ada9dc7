package approutes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"ringway/envmap"
)

// envEcho sends the request body back while it comes in.
func envEcho(env envmap.Env) error {
	contentType := env.Header("Content-Type")
	if contentType == "" {
		contentType = binaryType
	}
	if err := env.SetHeader("Content-Type", contentType); err != nil {
		return err
	}
	if n := env.ContentLength(); n >= 0 {
		if err := env.SetHeader("Content-Length", strconv.FormatInt(n, 10)); err != nil {
			return err
		}
		_, err := io.Copy(env, env.Body())
		return err
	}
	_, err := io.Copy(envFlushing{env}, env.Body())
	return err
}

// envFlushing sends each write at once.
type envFlushing struct{ env envmap.Env }

func (f envFlushing) Write(p []byte) (int, error) {
	n, err := f.env.Write(p)
	if err == nil {
		err = f.env.Flush()
	}
	return n, err
}

func envBytes(env envmap.Env) error {
	n, inPlace, err := bytesQuery(query(env))
	if err != nil {
		return err
	}
	if err := env.SetHeader("Content-Type", binaryType); err != nil {
		return err
	}
	if err := env.SetHeader("Content-Length", strconv.FormatInt(n, 10)); err != nil {
		return err
	}
	if inPlace {
		return fill(env, n)
	}
	for sent := int64(0); sent < n; {
		k, err := env.Write(patternAt(sent, n-sent))
		if err != nil {
			return err
		}
		sent += int64(k)
	}
	return nil
}

func envUpload(env envmap.Env) error {
	hash := sha256.New()
	n, err := io.Copy(hash, env.Body())
	if err != nil {
		return err
	}
	return env.Reply(http.StatusOK).JSON(uploadAnswer{n, hex.EncodeToString(hash.Sum(nil))})
}

func envStream(env envmap.Env) error {
	n, apart, err := streamQuery(query(env))
	if err != nil {
		return err
	}
	if err := env.SetHeader("Content-Type", textType); err != nil {
		return err
	}
	ctx := env.Context()
	for i := range n {
		if i > 0 && !pause(apart, ctx.Done()) {
			return context.Cause(ctx)
		}
		if _, err := env.WriteString(fmt.Sprintf("chunk %d\n", i)); err != nil {
			return err
		}
		if err := env.Flush(); err != nil {
			return err
		}
	}
	return nil
}
