package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// Types of packets.
const (
	typeHello    = "hello"
	typeAttach   = "attach"
	typeRefuse   = "refuse"
	typeReady    = "ready"
	typeLeaving  = "leaving"
	typeDrain    = "drain"
	typeReattach = "reattach"
)

const (
	maxRelease = 128  // bytes of a release name
	maxProgram = 1024 // bytes of a program name
)

// hello is the first packet of a worker. Its pid is for reading only: what counts is what the kernel says.
type hello struct {
	Type     string `json:"type"`
	Protocol int    `json:"protocol"`
	Layout   uint32 `json:"layout"`
	Features uint64 `json:"features"`
	Release  string `json:"release"`
	Pid      int    `json:"pid"`
	Program  string `json:"program"`
	Crew     int    `json:"crew"` // of a worker that the gateway has started
	// Reattach: the worker knows the packet of that name. Beside are the gateways that it is attached to already.
	Reattach bool  `json:"reattach"`
	Beside   []int `json:"beside"`
}

// attach goes with the descriptors: inbound, outbound, then one wake-up socket for each lane.
type attach struct {
	Type       string `json:"type"`
	WorkerID   uint64 `json:"worker_id"`
	Lanes      int    `json:"lanes"`
	GatewayPid int    `json:"gateway_pid"`

	Addresses []string `json:"addresses,omitempty"` // for the application to know

	Reason bool `json:"reason"` // the list of a RESPONSE may begin with its phrase
}

type refuse struct {
	Type  string `json:"type"`
	Error string `json:"error"`
}

type bare struct {
	Type string `json:"type"`
}

// packetType reads the type of a packet, which must be one JSON object.
func packetType(packet []byte) (string, error) {
	var message bare
	if err := decode(packet, &message); err != nil {
		return "", err
	}
	if message.Type == "" {
		return "", errors.New("packet without a type, expected a JSON object with one")
	}
	return message.Type, nil
}

// decode reads exactly one JSON value. Unknown members are ignored, so that later versions can add some.
func decode(packet []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(packet))
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("packet is not the expected JSON object: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("packet holds more than one JSON object")
	}
	return nil
}

// mismatch says in one line why a worker built otherwise cannot attach; empty if it can.
func (h *hello) mismatch(layout uint32, features uint64) string {
	switch {
	case h.Protocol != Protocol:
		return fmt.Sprintf("the worker speaks control protocol %d, this gateway expects %d", h.Protocol, Protocol)
	case h.Layout != layout:
		return fmt.Sprintf("the worker was built for ring layout %d, this gateway expects %d", h.Layout, layout)
	case h.Features != features:
		return fmt.Sprintf("the worker was built with ring features %#x, this gateway expects %#x", h.Features, features)
	}
	return ""
}

// invalid says which text of a hello cannot be used; empty if all can.
func (h *hello) invalid() string {
	switch {
	case h.Release == "" || len(h.Release) > maxRelease || !printable(h.Release):
		return fmt.Sprintf("release %.64q has %d bytes, expected 1 to %d printable ones", h.Release, len(h.Release), maxRelease)
	case len(h.Program) > maxProgram || !printable(h.Program):
		return fmt.Sprintf("program %.64q has %d bytes, expected at most %d printable ones", h.Program, len(h.Program), maxProgram)
	}
	return ""
}

func printable(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
