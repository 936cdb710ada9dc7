package main

import (
	"ringway/internal/engine"
	"ringway/internal/gateway"
	"ringway/native"
)

var kinds = map[native.NoticeKind]engine.NoticeKind{
	native.Violation: engine.Violation,
	native.Idle:      engine.Idle,
	native.Released:  engine.Released,
	native.Quiet:     engine.Quiet,
	native.Refused:   engine.Refused,
}

// nativeEngine is the native data plane as the rest of the gateway sees it. The conversions compile only as long as both
// sides declare the same.
type nativeEngine struct {
	*native.Gateway
	notices chan engine.Notice
	closing chan struct{}
}

func newEngine(config engine.Config) (gateway.Engine, error) {
	loops, err := native.New(native.Config(config))
	if err != nil {
		return nil, err
	}
	e := &nativeEngine{Gateway: loops, notices: make(chan engine.Notice), closing: make(chan struct{})}
	go e.forward()
	return e, nil
}

func (e *nativeEngine) Attach(a engine.Attachment) error {
	return e.Gateway.Attach(native.Attachment(a))
}

func (e *nativeEngine) Notices() <-chan engine.Notice { return e.notices }

func (e *nativeEngine) forward() {
	for n := range e.Gateway.Notices() {
		notice := engine.Notice{
			Kind: kinds[n.Kind], Worker: n.Worker, Text: n.Text, Client: n.Client, Status: n.Status,
		}
		select {
		case e.notices <- notice:
		case <-e.closing:
			// Nobody listens any more.
		}
	}
}

// Close is called once.
func (e *nativeEngine) Close() {
	close(e.closing)
	e.Gateway.Close()
}

func (e *nativeEngine) Stats() engine.Stats {
	read := e.Gateway.Stats()
	stats := engine.Stats{
		Loops: make([]engine.LoopStats, 0, len(read.Loops)),
		Lanes: make([]engine.LaneStats, 0, len(read.Lanes)),
	}
	for _, loop := range read.Loops {
		stats.Loops = append(stats.Loops, engine.LoopStats(loop))
	}
	for _, lane := range read.Lanes {
		stats.Lanes = append(stats.Lanes, engine.LaneStats(lane))
	}
	return stats
}
