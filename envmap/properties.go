package envmap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
)

// Properties are the start-up properties: a dictionary that the server fills before it asks for the application, and in
// which middleware announces what it adds. It has
//
//	owin.Version         string             Version
//	server.Capabilities  map[string]any     to be changed during start-up only
//	server.OnInit        func(func(context.Context) error)
//	server.OnDispose     context.Context
//	host.Addresses       []map[string]string
//	host.TraceOutput     io.Writer
//
// It is safe for concurrent use, the map of capabilities excepted.
type Properties struct {
	mu      sync.Mutex
	values  map[string]any
	init    []func(context.Context) error
	dispose []func()
	stop    context.CancelFunc
}

// NewProperties returns what a server knows at start-up: the addresses that clients use (see Address) and where traces
// go, which may be nil.
func NewProperties(trace io.Writer, addresses ...map[string]string) *Properties {
	ctx, stop := context.WithCancel(context.Background())
	p := &Properties{stop: stop}
	p.values = map[string]any{
		KeyVersion: Version,
		KeyCapabilities: map[string]any{
			KeySendFileVersion: extensionVersion,
			KeySendFileSupport: map[string]any{KeySendFileConcurrency: "None"},
			KeyOpaqueVersion:   extensionVersion,
		},
		KeyOnInit:    p.OnInit,
		KeyOnDispose: ctx,
	}
	if trace != nil {
		p.values[KeyTraceOutput] = trace
	}
	p.SetAddresses(addresses)
	return p
}

// extensionVersion is the version of the SendFile and Opaque Stream extensions.
const extensionVersion = "1.0"

// Address makes one of host.Addresses.
func Address(scheme, host, port, path string) map[string]string {
	return map[string]string{"scheme": scheme, "host": host, "port": port, "path": path}
}

// Get returns the value of a key and whether it is present.
func (p *Properties) Get(key string) (any, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.values[key]
	return v, ok
}

func (p *Properties) has(key string) bool {
	_, ok := p.Get(key)
	return ok
}

// Set assigns a value to a key; nil and "" remove it.
func (p *Properties) Set(key string, value any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if value = notNil(value); value == nil || value == "" {
		delete(p.values, key)
	} else {
		p.values[key] = value
	}
}

// Keys returns all keys, sorted.
func (p *Properties) Keys() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.values))
}

// Capabilities returns what the server and its middleware can do: names such as "sendfile.Version". An Env has the same
// map; it must not change once requests come.
func (p *Properties) Capabilities() map[string]any {
	v, _ := p.Get(KeyCapabilities)
	m, _ := v.(map[string]any)
	return m
}

// Addresses returns the addresses at which clients reach the server, as Address makes them.
func (p *Properties) Addresses() []map[string]string {
	v, _ := p.Get(KeyAddresses)
	a, _ := v.([]map[string]string)
	return a
}

// SetAddresses is for servers: another gateway may have others.
func (p *Properties) SetAddresses(addresses []map[string]string) {
	if addresses == nil {
		addresses = []map[string]string{}
	}
	p.Set(KeyAddresses, addresses)
}

// OnInit registers a callback that runs once, before the first request. An error of it keeps the server from serving.
func (p *Properties) OnInit(callback func(context.Context) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.init = append(p.init, callback)
}

// OnDispose registers a callback that runs when the last request is done; the last registered one runs first. Unlike
// functions that wait for the context server.OnDispose, it is waited for.
func (p *Properties) OnDispose(callback func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dispose = append(p.dispose, callback)
}

// Init is for servers: it runs what was registered with OnInit, in order, up to the first error or panic.
func (p *Properties) Init(ctx context.Context) error {
	p.mu.Lock()
	callbacks := p.init
	p.init = nil
	p.mu.Unlock()
	for _, callback := range callbacks {
		var err error
		if failed := guarded(func() { err = callback(ctx) }); failed != nil {
			err = failed
		}
		if err != nil {
			return fmt.Errorf("envmap: %s: %w", KeyOnInit, err)
		}
	}
	return nil
}

// Dispose is for servers: it cancels server.OnDispose and runs what was registered with OnDispose, all of it. The error
// says which of them panicked.
func (p *Properties) Dispose() error {
	p.stop()
	p.mu.Lock()
	callbacks := p.dispose
	p.dispose = nil
	p.mu.Unlock()
	var all error
	for _, callback := range slices.Backward(callbacks) {
		if err := guarded(callback); err != nil {
			all = errors.Join(all, fmt.Errorf("envmap: %s: %w", KeyOnDispose, err))
		}
	}
	return all
}
