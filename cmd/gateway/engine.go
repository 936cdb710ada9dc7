package main

import (
	"ringway/internal/engine"
	"ringway/internal/gateway"
	"ringway/native"
)

func newEngine(config engine.Config) (gateway.Engine, error) {
	loops, err := native.New(config)
	if err != nil {
		return nil, err // not a nil *native.Gateway in an interface
	}
	return loops, nil
}
