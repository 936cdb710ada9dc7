package owin

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"ringway/test/e2e/system"
	"ringway/test/owin/rules"
	"ringway/test/wire"
)

// TestBehindGateway runs every case in a worker behind a gateway.
func TestBehindGateway(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{})
	worker := system.Start(t, []string{"RINGWAY_SOCKET=" + g.Socket}, workerProgram)
	g.WaitReady(1)
	t.Run("cases", func(t *testing.T) {
		for _, rule := range rules.All() {
			for _, one := range rule.Cases {
				t.Run(one.Name, func(t *testing.T) {
					t.Parallel()
					run(t, g.Addr, one)
					if one.Log != "" {
						// The logger quotes what it writes.
						text := strings.Trim(fmt.Sprintf("%q", one.Log), `"`)
						system.Eventually(t, "a log line with "+text, func() bool { return strings.Contains(worker.Stderr(), text) })
					}
				})
			}
		}
	})
	g.WaitIdle()
	for _, loop := range g.Stats().Loops {
		if loop.Violations != 0 {
			t.Errorf("%d violations", loop.Violations)
		}
	}
	g.Stop()
}

func dial(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * system.Patience)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

func run(t *testing.T, address string, one rules.Case) {
	t.Helper()
	conn := dial(t, address)
	if _, err := io.WriteString(conn, one.Request()); err != nil {
		t.Fatal(err)
	}
	if one.Leave {
		ask(t, address, one.Name, "?waits")
		_ = conn.Close()
	} else {
		answered(t, conn, one)
	}
	if one.Late {
		ask(t, address, one.Name, "")
	}
}

// answered reads the answer of a case.
func answered(t *testing.T, conn net.Conn, one rules.Case) {
	t.Helper()
	in := bufio.NewReader(conn)
	answer, err := wire.ReadAnswer(in, false)
	for err == nil && answer.Status == 100 {
		answer, err = wire.ReadAnswer(in, false)
	}
	cut := errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
	if cut != one.Cut || err != nil && !cut {
		t.Fatalf("%v after %+v", err, *answer)
	}
	want := wire.Expected{Status: cmp.Or(one.Status, 200), CheckBody: true, Body: []byte(wantedBody(one))}
	if one.Phrase != "" {
		want.Phrase = &one.Phrase
	}
	if err := want.Check(answer); err != nil {
		t.Error(err)
	}
	for _, f := range one.Fields {
		name, value, _ := strings.Cut(f, ": ")
		found := 0
		for _, got := range answer.Values(name) {
			if got == value {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%q is there %d times: %+v", f, found, answer.Fields)
		}
	}
	if one.Talk != nil {
		talk(t, conn, in, one.Talk)
	}
}

// talk does what a case does over its upgraded connection.
func talk(t *testing.T, conn io.Writer, in io.Reader, one *rules.Talk) {
	t.Helper()
	if _, err := io.WriteString(conn, one.Send); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(in); err != nil || string(got) != one.Want {
		t.Errorf("the stream gives %q, %v, want %q", got, err, one.Want)
	}
}

// ask gets from the worker what became of a case behind its end.
func ask(t *testing.T, address, name, query string) {
	t.Helper()
	conn := dial(t, address)
	if _, err := fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: h\r\n%s: %s\r\n\r\n", query, rules.LateField, name); err != nil {
		t.Fatal(err)
	}
	answer, err := wire.ReadAnswer(bufio.NewReader(conn), false)
	if err != nil || answer.Status != 200 || string(answer.Body) != "ok" {
		t.Errorf("%v, %d %q", err, answer.Status, answer.Body)
	}
}
