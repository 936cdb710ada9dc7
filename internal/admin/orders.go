package admin

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"ringway/internal/engine"
)

// Progress is a step of an order, or its end.
type Progress struct {
	Step string `json:"step"`
	Done bool   `json:"done,omitempty"`
	// Error is why the order failed. Only with Done.
	Error string `json:"error,omitempty"`
}

// Host is the gateway that the admin server tells of and passes orders to. An order that returns an error was not begun; otherwise
// watch is told of each step, and last of the outcome. It must not block.
type Host interface {
	Snapshot() Snapshot
	// Requests returns up to limit of the requests in flight, and how many there are.
	Requests(limit int) ([]engine.Request, int, error)
	Configuration() Configuration
	LogLevel() *slog.LevelVar
	// Journal has what has changed lately.
	Journal() *Journal
	// Swap makes a program's workers take the place of those that serve. args nil keeps the arguments.
	Swap(program string, args []string, watch func(Progress)) error
	Rollback(watch func(Progress)) error
	// Drain lets a worker finish what it has and end; 0: all, and the gateway with them, after the drain delay.
	Drain(worker uint64) error
	// Upgrade starts another gateway, hands everything over to it and ends; "" is the program that runs.
	Upgrade(program string, watch func(Progress)) error
	// StopNow is that of the gateway without the delay.
	StopNow()
	// Ready says why no more clients should come here; empty if they should.
	Ready() string
}

// SwapOrder is the body of POST /swap.
type SwapOrder struct {
	Program string   `json:"program"` // absolute path
	Args    []string `json:"args"`    // null keeps those of the release that serves
}

// DrainOrder is the body of POST /drain.
type DrainOrder struct {
	Worker uint64 `json:"worker"` // 0: the gateway
}

// UpgradeOrder is the body of POST /upgrade.
type UpgradeOrder struct {
	Program string `json:"program"` // absolute path; empty: the one that runs
}

const (
	maxOrder = 64 << 10 // bytes of an order
	// orderSilence is how long the answer to an order may be silent before an empty step shows that it still runs.
	orderSilence = 10 * time.Second
)

// order decodes the body of a POST into body and answers with what do reports.
func order[T any](do func(T, func(Progress)) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body T
		if !readOrder(w, r, &body) {
			return
		}
		steps := make(chan Progress, 64)
		err := do(body, func(p Progress) {
			select {
			case steps <- p:
			default: // a client that does not read gets the outcome at least
				if p.Done {
					select { // the client may just have made room
					case <-steps:
					default:
					}
					steps <- p // there is room now, and nobody else fills it
				}
			}
		})
		if err != nil {
			fail(w, http.StatusConflict, CodeConflict, err.Error())
			return
		}
		follow(w, r, steps)
	}
}

// readOrder tells whether the request is one that can be followed; otherwise it has answered.
func readOrder(w http.ResponseWriter, r *http.Request, body any) bool {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != kindJSON {
		fail(w, http.StatusUnsupportedMediaType, CodeNotJSON, fmt.Sprintf("content type %.64q, expected %s", r.Header.Get("Content-Type"), kindJSON))
		return false
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(body); err != nil {
		fail(w, http.StatusBadRequest, CodeBadOrder, fmt.Sprintf("body cannot be used: %v", err))
		return false
	}
	if decoder.More() {
		fail(w, http.StatusBadRequest, CodeBadOrder, "body holds more than one JSON value, expected one")
		return false
	}
	return true
}

// follow writes the steps as lines of JSON while they come.
func follow(w http.ResponseWriter, r *http.Request, steps <-chan Progress) {
	w.Header().Set("Content-Type", kindLines)
	w.Header().Set("Cache-Control", "no-store")
	controller := http.NewResponseController(w)
	encoder := json.NewEncoder(w)
	silence := time.NewTicker(orderSilence)
	defer silence.Stop()
	for {
		var p Progress
		select {
		case <-r.Context().Done():
			return // the order goes on
		case p = <-steps:
		case <-silence.C:
		}
		_ = controller.SetWriteDeadline(time.Now().Add(orderSilence))
		if encoder.Encode(p) != nil || controller.Flush() != nil || p.Done {
			return
		}
	}
}
