package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
)

// idleResult is what idle keep-alive connections cost the first process of a target.
type idleResult struct {
	Target      string `json:"target"`
	Connections int    `json:"connections"`
	Before      memory `json:"before"`
	After       memory `json:"after"`
	Answered    int    `json:"answered_after"` // connections that still answered afterwards
}

// measureIdle opens connections, lets each ask once, and compares memory while they are idle with memory before.
func (b *bench) measureIdle(ctx context.Context, t *target, connections int) (idleResult, error) {
	result := idleResult{Target: t.Name, Connections: connections}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return result, err
	}
	if limit.Max < uint64(connections)+100 {
		return result, fmt.Errorf("%d connections need more than the limit of %d open files", connections, limit.Max)
	}
	if _, err := b.runWrk(ctx, b.wrkCommand(loads[0], t.base+"/", 2*time.Second, "load.lua")); err != nil {
		return result, err
	}
	time.Sleep(2 * time.Second)
	var err error
	if result.Before, err = readMemory(t.processes[0].pid()); err != nil {
		return result, err
	}

	address := strings.TrimPrefix(t.base, "http://")
	open := make([]net.Conn, connections)
	defer func() {
		for _, connection := range open {
			if connection != nil {
				connection.Close()
			}
		}
	}()
	dial := func(i int) error {
		connection, err := net.DialTimeout("tcp", address, 10*time.Second)
		if err != nil {
			return err
		}
		open[i] = connection
		return ask(connection, address)
	}
	if failed, err := parallel(connections, dial); failed > 0 {
		return result, fmt.Errorf("%d of %d connections failed, one of them: %w", failed, connections, err)
	}
	time.Sleep(3 * time.Second)
	if result.After, err = readMemory(t.processes[0].pid()); err != nil {
		return result, err
	}
	failed, err := parallel(connections, func(i int) error { return ask(open[i], address) })
	result.Answered = connections - failed
	if failed > 0 {
		return result, fmt.Errorf("%d of %d idle connections did not answer any more, one of them: %w", failed, connections, err)
	}
	return result, nil
}

// ask sends one request on a connection and reads its answer.
func ask(connection net.Conn, host string) error {
	if err := connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(connection, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReaderSize(connection, 512), nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && (response.StatusCode != http.StatusOK || len(body) != 13) {
		err = fmt.Errorf("status %d with %d bytes", response.StatusCode, len(body))
	}
	return err
}

// parallel calls do for 0..n-1 on 32 goroutines and returns how many calls failed, and one of the errors.
func parallel(n int, do func(int) error) (int, error) {
	var mutex sync.Mutex
	var group sync.WaitGroup
	failed, last := 0, errors.New("none")
	next := make(chan int)
	for range 32 {
		group.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					mutex.Lock()
					failed, last = failed+1, err
					mutex.Unlock()
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
	return failed, last
}
