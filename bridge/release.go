package bridge

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"strings"
)

// defaultRelease names this build: a hash of the executable and its arguments.
func defaultRelease() string {
	h := sha256.New()
	if f, err := os.Open("/proc/self/exe"); err == nil {
		_, _ = io.Copy(h, f) // a part of it names the build well enough
		_ = f.Close()
	}
	_, _ = io.WriteString(h, strings.Join(os.Args, "\x00"))
	return hex.EncodeToString(h.Sum(nil)[:6])
}
