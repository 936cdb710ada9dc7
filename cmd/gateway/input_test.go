package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringway/ring"
)

func unixClient(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}}
}

func TestBadInputEndsTheBinary(t *testing.T) {
	live := launch(t)
	address := strings.TrimPrefix(live.url, "http://")
	directory := t.TempDir()
	script := filepath.Join(directory, "no-interpreter")
	plain := filepath.Join(directory, "not-executable")
	garbage := filepath.Join(directory, "garbage")
	for path, content := range map[string]struct {
		text string
		mode os.FileMode
	}{
		script: {"#!/no/such/interpreter\n", 0o755}, plain: {"#!/bin/sh\n", 0o644}, garbage: {"\x7fELF and nothing more", 0o755},
	} {
		if err := os.WriteFile(path, []byte(content.text), content.mode); err != nil {
			t.Fatal(err)
		}
	}
	free := []string{"--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--socket", filepath.Join(directory, "s")}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"serve", "--nope"}, "--nope"},
		{[]string{"serve", "--listen", address, "--admin", "off", "--socket", filepath.Join(directory, "s")}, address},
		{[]string{"serve", "--listen", "127.0.0.1:0", "--admin", strings.TrimPrefix(live.admin, "http://"), "--socket", filepath.Join(directory, "s")}, live.admin[7:]},
		{[]string{"serve", "--listen", "127.0.0.1:0", "--admin", "off", "--socket", live.socket}, live.socket},
		{append([]string{"serve", "--listen", "192.0.2.1:80"}, free[2:]...), "192.0.2.1:80"},
		{append([]string{"serve", "--worker", filepath.Join(directory, "missing")}, free...), "missing"},
		{append([]string{"serve", "--worker", plain}, free...), plain},
		{append([]string{"serve", "--worker", garbage}, free...), garbage},
		{append([]string{"serve", "--worker", script}, free...), script},
		{append([]string{"serve", "--worker", directory}, free...), directory},
		{append([]string{"serve", "--loops", "1000"}, free...), "1000"},
		{append([]string{"serve", "--exchanges", "7"}, free...), "7"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		command := exec.CommandContext(ctx, gatewayBinary, test.args...)
		var stdout, stderr bytes.Buffer
		command.Stdout, command.Stderr = &stdout, &stderr
		err := command.Run()
		cancel()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 {
			t.Errorf("%v: %v, want exit code 2", test.args, err)
		}
		line := stderr.String()
		if strings.Count(line, "\n") != 1 || !strings.Contains(line, test.want) || !strings.Contains(line, "expected") {
			t.Errorf("%v: stderr %q, want one line that names %s", test.args, line, test.want)
		}
		if stdout.Len() > 0 {
			t.Errorf("%v: stdout %q", test.args, stdout.String())
		}
		t.Log(strings.TrimSpace(line))
	}
	// The live gateway was not disturbed.
	expectBody(t, live.url+"/ping", "pong")
	if _, err := os.Lstat(live.socket); err != nil {
		t.Error(err)
	}
}

func TestAWorkerOfAnotherLayoutIsToldWhy(t *testing.T) {
	p := launch(t)
	conn, err := net.Dial("unixpacket", p.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte(`{"type":"hello","protocol":1,"layout":99,"features":0,"release":"r","pid":1}`)); err != nil {
		t.Fatal(err)
	}
	packet := make([]byte, 4096)
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	length, err := conn.Read(packet)
	if err != nil {
		t.Fatal(err)
	}
	var refusal struct{ Type, Error string }
	if err := json.Unmarshal(packet[:length], &refusal); err != nil || refusal.Type != "refuse" ||
		!strings.Contains(refusal.Error, "99") || !strings.Contains(refusal.Error, fmt.Sprintf("expects %d", ring.LayoutVersion)) {
		t.Errorf("%s %v", packet[:length], err)
	}
	eventually(t, "the log line", func() bool { return strings.Contains(p.stderr.String(), "layout 99") })
}
