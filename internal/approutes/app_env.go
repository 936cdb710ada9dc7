package approutes

import (
	"fmt"
	"net/http"

	"ringway/envmap"
)

// envValue shows one key of an environment.
type envValue struct {
	Type  string `json:"type"`
	Value any    `json:"value,omitempty"` // of what can be told as JSON
}

// envEnvironment shows every key.
func envEnvironment(env envmap.Env) error {
	all := map[string]envValue{}
	for key, value := range env.All() {
		shown := envValue{Type: fmt.Sprintf("%T", value)}
		switch v := value.(type) {
		case string, bool, int, map[string]any:
			shown.Value = v
		case envmap.Headers:
			shown.Value = v.Map()
		}
		all[key] = shown
	}
	return env.Reply(http.StatusOK).JSON(all)
}
