package sockets

import (
	_ "embed"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

//go:embed testdata/client.mjs
var nodeClient string

// TestNode: the WebSocket of Node.js (undici, or ws where it has none) as the client, of both libraries.
func TestNode(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal(err)
	}
	flags := []string{"--no-warnings", "--input-type=module"}
	help, err := exec.CommandContext(patience(t), node, "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(help), "--experimental-websocket") { // version 20 asks for it, 22 needs it no more
		flags = append(flags, "--experimental-websocket")
	}
	g := start(t)
	for _, server := range libraries {
		command := exec.CommandContext(patience(t), node, append(slices.Clip(flags), "-", "ws://"+g.Addr+"/"+server)...)
		command.Stdin = strings.NewReader(nodeClient)
		output, err := command.CombinedOutput()
		if err != nil || strings.TrimSpace(string(output)) != "done" {
			t.Errorf("%s: %v\n%s", server, err, output)
		}
	}
	stop(t, g)
}
