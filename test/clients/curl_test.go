package clients

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// sendByCurl sends the requests by one curl, so that it can use a connection again.
func sendByCurl(t *testing.T, s session) []answer {
	t.Helper()
	directory := t.TempDir()
	var arguments []string
	for i, r := range s.requests {
		if i > 0 {
			arguments = append(arguments, "--next")
		}
		arguments = append(arguments, curlArguments(t, s, r, filepath.Join(directory, itoa(i)))...)
	}
	output := runProgram(t, "", command(t, "curl"), arguments...)
	answers := make([]answer, len(s.requests))
	reports := json.NewDecoder(bytes.NewReader(output))
	for i, r := range s.requests {
		var report struct {
			Error string `json:"errormsg"`
			Sent  int    `json:"size_upload"`
		}
		if err := reports.Decode(&report); err != nil {
			t.Fatalf("report %d of curl: %v\n%s", i, err, output)
		}
		a := &answers[i]
		a.Error, a.Sent = report.Error, report.Sent
		name := filepath.Join(directory, itoa(i))
		head, err := os.ReadFile(name + ".head")
		if err == nil {
			err = readDump(head, a)
		}
		if err != nil && a.Error == "" {
			a.Error = err.Error()
		}
		body, err := os.ReadFile(name + ".body")
		if err == nil && r.Method != "HEAD" { // of which curl writes the head
			a.setBody(body)
		} else {
			a.setBody(nil) // curl makes no file for nothing
		}
	}
	return answers
}

func curlArguments(t *testing.T, s session, r request, name string) []string {
	t.Helper()
	arguments := []string{
		"--silent", "--disable", "--max-time", fmt.Sprint(2 * system.Patience.Seconds()), "--expect100-timeout", fmt.Sprint(system.Patience.Seconds()),
		"--dump-header", name + ".head", "--output", name + ".body", "--write-out", "%{json}\n", s.base + r.Path,
	}
	if s.version10 {
		arguments = append(arguments, "--http1.0")
	} else {
		arguments = append(arguments, "--http1.1")
	}
	if r.Method == "HEAD" {
		arguments = append(arguments, "--head")
	} else {
		arguments = append(arguments, "--request", r.Method)
	}
	fields := r.Fields
	if r.Size != none {
		arguments = append(arguments, "--upload-file", bodyFile(t, r.Size))
		if r.Expect {
			fields = append(fields, [2]string{"Expect", "100-continue"})
		} else if lookup(fields, "Expect") == "" {
			arguments = append(arguments, "--header", "Expect:")
		}
	}
	if r.Chunked {
		fields = append(fields, [2]string{"Transfer-Encoding", "chunked"})
	}
	for _, f := range fields {
		arguments = append(arguments, "--header", f[0]+": "+f[1])
	}
	return arguments
}

// readDump reads what curl wrote of heads: those of interim responses, that of the answer, and trailer fields.
func readDump(dump []byte, a *answer) error {
	in := textproto.NewReader(bufio.NewReader(bytes.NewReader(dump)))
	for {
		line, err := in.ReadLine()
		if err != nil {
			return fmt.Errorf("no head of an answer in %q", dump)
		}
		var version string
		var status int
		if _, err := fmt.Sscanf(line, "%s %d", &version, &status); err != nil {
			return fmt.Errorf("status line %q: %w", line, err)
		}
		fields, err := in.ReadMIMEHeader()
		if err != nil {
			return fmt.Errorf("head %q: %w", dump, err)
		}
		if status < 200 {
			a.Informed = append(a.Informed, status)
			continue
		}
		a.Status, a.Fields = status, pairs(map[string][]string(fields))
		break
	}
	for {
		line, err := in.ReadLine()
		if err != nil {
			return nil
		}
		if name, value, ok := strings.Cut(line, ":"); ok {
			a.Trailers = append(a.Trailers, [2]string{name, strings.TrimSpace(value)})
		}
	}
}

// runProgram runs a program to its end and returns what it wrote to standard output. The test fails if it fails.
func runProgram(t *testing.T, input, program string, arguments ...string) []byte {
	t.Helper()
	p := exec.Command(program, arguments...)
	p.Stdin = strings.NewReader(input)
	var output, problems bytes.Buffer
	p.Stdout, p.Stderr = &output, &problems
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	watch := time.AfterFunc(3*system.Patience, func() { _ = p.Process.Kill() })
	defer watch.Stop()
	if err := p.Wait(); err != nil {
		t.Fatalf("%s: %v\n%s\n%s", program, err, tail(output.Bytes()), tail(problems.Bytes()))
	}
	return output.Bytes()
}

func tail(text []byte) []byte { return text[max(0, len(text)-2000):] }
