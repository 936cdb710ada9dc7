package approutes

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"time"
)

// fileTime is when the file of /file was changed last.
var fileTime = time.Date(2024, time.February, 29, 12, 0, 0, 0, time.UTC)

// file answers as a static file would: with ranges (RFC 9110, 14) and conditions (RFC 9110, 13).
func file(w http.ResponseWriter, r *http.Request) error {
	n, err := number(r.URL.Query(), "n", 0, mostBytes)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", binaryType)
	w.Header().Set("ETag", `"pattern-`+strconv.FormatInt(n, 10)+`"`)
	http.ServeContent(w, r, "", fileTime, io.NewSectionReader(patternFile{}, 0, n))
	return nil
}

// patternFile is the endless pattern.
type patternFile struct{}

// ReadAt implements io.ReaderAt.
func (patternFile) ReadAt(p []byte, offset int64) (int, error) {
	for n := 0; n < len(p); {
		n += copy(p[n:], patternAt(offset+int64(n), int64(len(p)-n)))
	}
	return len(p), nil
}

// trailers sends the request body back while it comes in, and after it the trailer fields of the request, each name with
// "Back-" before it. Only the hash is announced by a Trailer field.
func trailers(w http.ResponseWriter, r *http.Request) error {
	const sum = "X-Sha256"
	w.Header().Set("Content-Type", binaryType)
	w.Header().Set("Trailer", sum)
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex() // as in echo
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(flushing{w, control}, hash), r.Body); err != nil {
		return err
	}
	w.Header().Set(sum, hex.EncodeToString(hash.Sum(nil)))
	for name, values := range r.Trailer {
		for _, value := range values {
			w.Header().Add(http.TrailerPrefix+"Back-"+name, value)
		}
	}
	return control.Flush() // an answer that is sent whole has a length, and no trailers
}

// hints announces what the answer needs before the answer (RFC 8297).
func hints(w http.ResponseWriter) {
	w.Header().Set("Link", "</style.css>; rel=preload; as=style")
	w.WriteHeader(http.StatusEarlyHints)
	w.Header().Del("Link")
	answerText(w, http.StatusOK, helloText)
}
