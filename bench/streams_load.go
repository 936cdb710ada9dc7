package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// streamLoad is what is sent over upgraded connections that echo.
type streamLoad struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Connections int    `json:"connections"`
	Depth       int    `json:"depth"` // messages that a connection sends before it reads them all back
	Bytes       int    `json:"message_bytes"`
}

var streamLoads = []streamLoad{
	{"one", "1 connection", 1, 1, 1024},
	{"one-16", "1 connection, 16 at once", 1, 16, 1024},
	{"many", "64 connections", 64, 1, 1024},
	{"many-16", "64 connections, 16 at once", 64, 16, 1024},
}

// upgrade asks for another protocol on a connection and reads the 101; fields are further lines of the request.
func upgrade(conn net.Conn, path, protocol, fields string) error {
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: %s\r\n%s\r\n", path, conn.RemoteAddr(), protocol, fields); err != nil {
		return err
	}
	in := bufio.NewReaderSize(conn, 512)
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusSwitchingProtocols || in.Buffered() != 0 {
		return fmt.Errorf("status %d and %d bytes behind it, expected 101 and none", response.StatusCode, in.Buffered())
	}
	return nil
}

// echoers send a load's messages until they are stopped.
type echoers struct {
	load  streamLoad
	conns []net.Conn
	count atomic.Int64 // messages that came back as they were
	stop  atomic.Bool
	all   sync.WaitGroup

	mu    sync.Mutex
	wrong error // the first thing that went wrong
}

// startEchoers opens a load's connections to /stream at an address and sends from then on.
func startEchoers(address string, load streamLoad) (*echoers, error) {
	e := &echoers{load: load}
	for range load.Connections {
		conn, err := net.DialTimeout("tcp", address, 10*time.Second)
		if err == nil {
			e.conns = append(e.conns, conn)
			err = errors.Join(conn.SetDeadline(time.Now().Add(10*time.Second)), upgrade(conn, "/stream", "echo", ""))
		}
		if err != nil {
			_ = e.end()
			return nil, err
		}
	}
	for i, conn := range e.conns {
		e.all.Go(func() {
			if err := e.echo(conn, byte(i)); err != nil {
				e.mu.Lock()
				if e.wrong == nil {
					e.wrong = fmt.Errorf("connection %d: %w", i, err)
				}
				e.mu.Unlock()
			}
		})
	}
	return e, nil
}

// echo sends rounds of messages, each of which differs from the one before.
func (e *echoers) echo(conn net.Conn, seed byte) error {
	sent, got := make([]byte, e.load.Depth*e.load.Bytes), make([]byte, e.load.Depth*e.load.Bytes)
	for i := range sent {
		sent[i] = seed + byte(i*7)
	}
	for round := 0; !e.stop.Load(); round++ {
		sent[round%len(sent)]++
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		if _, err := conn.Write(sent); err != nil {
			return err
		}
		if _, err := io.ReadFull(conn, got); err != nil {
			return err
		}
		if !bytes.Equal(sent, got) {
			return fmt.Errorf("round %d: other bytes came back", round)
		}
		e.count.Add(int64(e.load.Depth))
	}
	return nil
}

// end waits for the last messages, closes the connections, and tells what went wrong.
func (e *echoers) end() error {
	e.stop.Store(true)
	e.all.Wait()
	for _, conn := range e.conns {
		_ = conn.Close()
	}
	return e.wrong
}
