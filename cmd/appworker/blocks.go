package main

import (
	"net/http"

	"ringway/bridge"
	"ringway/internal/approutes"
)

// blocks is bridge.Blocks as package approutes wants it, which is served without a bridge too.
func blocks(w http.ResponseWriter) approutes.BlockWriter {
	if b, ok := bridge.Blocks(w); ok {
		return b
	}
	return nil
}
