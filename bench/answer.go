package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// answerHead is what a client of a deploy needs to know of the head of a response.
type answerHead struct {
	status int
	length int  // of the body
	close  bool // the server says that it closes the connection
}

// parseAnswer reads a response head, from the status line to the empty line. It fails if anything but Content-Length tells the body's
// end: no server here answers /pid so.
func parseAnswer(head []byte) (answerHead, error) {
	a := answerHead{length: -1}
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	version, after, _ := bytes.Cut(line, []byte(" "))
	digits, _, _ := bytes.Cut(after, []byte(" "))
	status, err := strconv.Atoi(string(digits))
	if string(version) != "HTTP/1.1" || err != nil || status < 200 || status > 599 {
		return a, fmt.Errorf("status line %q, expected HTTP/1.1 and a status of 200 to 599", line)
	}
	a.status = status
	for field := range bytes.SplitSeq(rest, []byte("\r\n")) {
		name, value, found := bytes.Cut(field, []byte(":"))
		if !found {
			continue // the empty line
		}
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if a.length, err = strconv.Atoi(string(value)); err != nil || a.length < 0 {
				return a, fmt.Errorf("Content-Length %q, expected a number", value)
			}
		case bytes.EqualFold(name, []byte("Connection")):
			a.close = bytes.EqualFold(value, []byte("close"))
		}
	}
	if a.length < 0 {
		return a, fmt.Errorf("no Content-Length in %q", head)
	}
	return a, nil
}

// parsePid reads the body of an answer to /pid, byte by byte as the routes write it: {"pid":1,"release":"r0"}.
func parsePid(body []byte) (int, error) {
	text, opened := strings.CutPrefix(string(body), `{"pid":`)
	digits, rest, found := strings.Cut(text, `,"release":"r`)
	pid, err := strconv.Atoi(digits)
	number, closed := strings.CutSuffix(rest, "\"}\n")
	if _, wrong := strconv.ParseUint(number, 10, 32); !opened || !found || !closed || err != nil || pid <= 0 || wrong != nil {
		return 0, fmt.Errorf("body %q, expected a pid and a release", body)
	}
	return pid, nil
}
