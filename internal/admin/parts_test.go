package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestAPartIsThatOfTheWhole: each member of /stats is to be had alone; one that this gateway does not have is not found.
func TestAPartIsThatOfTheWhole(t *testing.T) {
	ask := func(path string) (int, []byte) {
		recorder := httptest.NewRecorder()
		Handler(fullHost{}).ServeHTTP(recorder, httptest.NewRequest("GET", path, nil))
		return recorder.Code, recorder.Body.Bytes()
	}
	var whole map[string]any
	_, body := ask("/stats")
	if err := json.Unmarshal(body, &whole); err != nil {
		t.Fatal(err)
	}
	for name := range parts {
		var part any
		status, body := ask("/stats/" + name)
		if err := json.Unmarshal(body, &part); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want, found := whole[name]
		if !found {
			if status != http.StatusNotFound {
				t.Errorf("%s: status %d, and /stats does not have it", name, status)
			}
			continue
		}
		if got, expected := fmt.Sprint(part), fmt.Sprint(want); status != 200 || got != expected {
			t.Errorf("%s: status %d, %s, want %s", name, status, got, expected)
		}
	}
}
