package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"
)

// socketsResult is what idle WebSockets cost the processes of a target: the gateway and its worker, or the one that is the server.
type socketsResult struct {
	Target      string   `json:"target"`
	Connections int      `json:"connections"`
	Before      []memory `json:"before"` // of each process, in the order of their numbers
	After       []memory `json:"after"`
	Answered    int      `json:"answered_after"` // WebSockets that still echoed afterwards
}

// measureSockets opens WebSockets, lets each echo a message, and compares memory while they are idle with memory before.
func (b *bench) measureSockets(ctx context.Context, t *target, connections int) (socketsResult, error) {
	result := socketsResult{Target: t.Name, Connections: connections}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return result, err
	}
	if limit.Max < uint64(connections)+100 {
		return result, fmt.Errorf("%d WebSockets need more than the limit of %d open files", connections, limit.Max)
	}
	address := strings.TrimPrefix(t.base, "http://")
	open := make([]net.Conn, connections)
	defer func() {
		for _, conn := range open {
			if conn != nil {
				_ = conn.Close()
			}
		}
	}()
	dial := func(i int) error {
		conn, err := net.DialTimeout("tcp", address, 10*time.Second)
		if err != nil {
			return err
		}
		open[i] = conn
		return greet(conn)
	}
	// What is allocated for the first ones is not what each costs.
	const first = 64
	if failed, err := parallel(first, dial); failed > 0 {
		return result, fmt.Errorf("%d of %d WebSockets failed, one of them: %w", failed, first, err)
	}
	if err := rest(ctx, time.Second); err != nil {
		return result, err
	}
	var err error
	if result.Before, err = treeMemory(t.pids()); err != nil {
		return result, err
	}
	if failed, err := parallel(connections-first, func(i int) error { return dial(first + i) }); failed > 0 {
		return result, fmt.Errorf("%d of %d WebSockets failed, one of them: %w", failed, connections-first, err)
	}
	if err := rest(ctx, 3*time.Second); err != nil {
		return result, err
	}
	if result.After, err = treeMemory(t.pids()); err != nil {
		return result, err
	}
	if len(result.After) != len(result.Before) {
		return result, fmt.Errorf("%d processes became %d", len(result.Before), len(result.After))
	}
	result.Connections -= first
	failed, err := parallel(connections, func(i int) error { return hello(open[i]) })
	if failed > 0 {
		return result, fmt.Errorf("%d of %d idle WebSockets did not answer any more, one of them: %w", failed, connections, err)
	}
	result.Answered = connections - first
	return result, nil
}

// greet makes a WebSocket of a connection and lets it echo (RFC 6455, 4.1).
func greet(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	if err := upgrade(conn, "/ws", "websocket", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"); err != nil {
		return err
	}
	return hello(conn)
}

var (
	helloSent = []byte("\x81\x85\x00\x00\x00\x00hello") // a text message, masked with zeros (RFC 6455, 5.2)
	helloBack = []byte("\x81\x05hello")
)

// hello lets a WebSocket echo one message.
func hello(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write(helloSent); err != nil {
		return err
	}
	var got [7]byte
	if _, err := io.ReadFull(conn, got[:]); err != nil {
		return err
	}
	if !bytes.Equal(got[:], helloBack) {
		return fmt.Errorf("%q came back, expected %q", got[:], helloBack)
	}
	return nil
}

// treeMemory reads the memory of processes and their descendants, in the order of their numbers.
func treeMemory(roots []int) ([]memory, error) {
	members, err := tree(roots...)
	if err != nil {
		return nil, err
	}
	var pids []int
	for pid := range members {
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	var all []memory
	for _, pid := range pids {
		m, err := readMemory(pid)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// bytesEach is what one connection costs, by a measure that is summed over the processes.
func (r *socketsResult) bytesEach(of func(memory) int64) int64 {
	var sum int64
	for i := range r.After {
		sum += of(r.After[i]) - of(r.Before[i])
	}
	return sum / int64(r.Connections)
}
