package cli

import (
	"os"
	"strings"
)

// A token is at least as hard to guess as a key of 128 bits in hexadecimal, and fits into a header field.
const (
	leastToken = 32
	mostToken  = 512
)

// readToken reads the first line of a file; an empty name is no token.
func readToken(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return "", badInput("--admin-token-file %q: %w, expected a file with a token", name, reason(err))
	}
	token, _, _ := strings.Cut(string(content), "\n")
	token = strings.TrimSpace(token)
	if len(token) < leastToken || len(token) > mostToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", badInput("--admin-token-file %q: a first line of %d bytes, expected %d to %d visible ASCII ones", name, len(token), leastToken, mostToken)
	}
	return token, nil
}
