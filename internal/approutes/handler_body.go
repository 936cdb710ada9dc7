package approutes

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// echo sends the request body back while it comes in.
func echo(w http.ResponseWriter, r *http.Request) error {
	if t := r.Header.Get("Content-Type"); t != "" {
		w.Header().Set("Content-Type", t)
	} else {
		w.Header().Set("Content-Type", binaryType)
	}
	if r.ContentLength >= 0 {
		w.Header().Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	if r.ContentLength != 0 {
		// net/http ends the reading of a body when the response begins, unless it is told. Others refuse to be told.
		_ = http.NewResponseController(w).EnableFullDuplex()
	}
	if r.ContentLength >= 0 {
		_, err := io.Copy(w, r.Body)
		return err
	}
	_, err := io.Copy(flushing{w, http.NewResponseController(w)}, r.Body)
	return err
}

// flushing sends each write at once. It hides io.ReaderFrom, which would gather.
type flushing struct {
	w io.Writer
	c *http.ResponseController
}

func (f flushing) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err == nil {
		err = f.c.Flush()
	}
	return n, err
}

func (h handler) bytes(w http.ResponseWriter, r *http.Request) error {
	n, inPlace, err := bytesQuery(r.URL.Query())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", binaryType)
	w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	if inPlace && h.Blocks != nil {
		if b := h.Blocks(w); b != nil {
			return fill(b, n)
		}
	}
	for sent := int64(0); sent < n; {
		k, err := w.Write(patternAt(sent, n-sent))
		if err != nil {
			return err
		}
		sent += int64(k)
	}
	return nil
}

func upload(w http.ResponseWriter, r *http.Request) error {
	hash := sha256.New()
	n, err := io.Copy(hash, r.Body)
	if err != nil {
		return err
	}
	return answerJSON(w, uploadAnswer{n, hex.EncodeToString(hash.Sum(nil))})
}

func stream(w http.ResponseWriter, r *http.Request) error {
	n, apart, err := streamQuery(r.URL.Query())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", textType)
	control := http.NewResponseController(w)
	for i := range n {
		if i > 0 && !pause(apart, r.Context().Done()) {
			return r.Context().Err()
		}
		if _, err := fmt.Fprintf(w, "chunk %d\n", i); err != nil {
			return err
		}
		if err := control.Flush(); err != nil {
			return err
		}
	}
	return nil
}
