package sockets

import (
	_ "embed"
	"os/exec"
	"strings"
	"testing"
)

//go:embed testdata/client.mjs
var nodeClient string

// TestNode: the WebSocket of Node.js (undici) as the client, of both libraries.
func TestNode(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal(err)
	}
	g := start(t)
	for _, server := range libraries {
		command := exec.CommandContext(patience(t), node, "--no-warnings", "--experimental-websocket", "--input-type=module", "-", "ws://"+g.Addr+"/"+server)
		command.Stdin = strings.NewReader(nodeClient)
		output, err := command.CombinedOutput()
		if err != nil || strings.TrimSpace(string(output)) != "done" {
			t.Errorf("%s: %v\n%s", server, err, output)
		}
	}
	stop(t, g)
}
