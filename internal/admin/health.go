package admin

import "net/http"

// Health is the answer of GET /healthz (200 as long as the process lives) and /readyz (503 while no clients should be
// sent here).
type Health struct {
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"` // why not
}

// health answers 200 or 503, by whether there is a reason not to be well.
func health(reason func() string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		status, text := http.StatusOK, reason()
		if text != "" {
			status = http.StatusServiceUnavailable
		}
		answer(w, status, Health{OK: text == "", Reason: text})
	}
}
