package main

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// dripped is what a slow client sends, a byte a second; it never becomes a whole head.
const dripped = "GET / HTTP/1.1\r\nHost: slow\r\nX-Slow: "

// drip opens connections that each send one byte a second, and new ones for those that the server has given up. It
// returns when all are open; stop closes them.
func drip(address string, connections int) (stop func(), err error) {
	end := make(chan struct{})
	var group sync.WaitGroup
	stop = func() {
		close(end)
		group.Wait()
	}
	failed, err := parallel(connections, func(i int) error {
		connection, err := net.DialTimeout("tcp", address, 10*time.Second)
		if err != nil {
			return err
		}
		group.Go(func() {
			// Spread over the second.
			select {
			case <-end:
				_ = connection.Close()
			case <-time.After(time.Duration(i) * time.Second / time.Duration(connections)):
				dripUntil(end, connection, address)
			}
		})
		return nil
	})
	if failed > 0 {
		stop()
		return nil, fmt.Errorf("%d of %d slow connections failed, one of them: %w", failed, connections, err)
	}
	return stop, nil
}

func dripUntil(end <-chan struct{}, connection net.Conn, address string) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	text := strings.NewReader(dripped)
	for {
		b, err := text.ReadByte()
		if err != nil {
			b = 'x'
		}
		if _, err := connection.Write([]byte{b}); err != nil {
			// The server has lost patience: the next one.
			_ = connection.Close()
			if connection, err = net.DialTimeout("tcp", address, 10*time.Second); err != nil {
				return
			}
			text.Reset(dripped)
		}
		select {
		case <-end:
			_ = connection.Close()
			return
		case <-tick.C:
		}
	}
}
