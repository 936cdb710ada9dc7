package envmap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"ringway/ring"
)

// Upgrade is the type of "opaque.Upgrade", and of "websocket.Accept": see Env.Upgrade.
type Upgrade func(params map[string]any, callback UpgradeCallback) error

// UpgradeCallback gets the connection of a request that was upgraded, in a new environment. For "opaque.Upgrade" it has
//
//	opaque.Stream         Stream
//	opaque.Version        string
//	opaque.CallCancelled  context.Context, cancelled when the client is gone or the worker must stop
//
// It runs in a goroutine of its own after the App has returned; the Env of the request has ended. When it returns, the
// stream is closed. What it returns or panics with goes to host.TraceOutput.
type UpgradeCallback func(env map[string]any) error

// upgrade is an upgrade that was asked for.
type upgrade struct{ callback UpgradeCallback }

var (
	errUpgradedTwice = errors.New("envmap: Upgrade was called before")
	errGaveUpUpgrade = errors.New("envmap: the application has answered something else than the 101 of its Upgrade")
)

// Upgrade answers 101 (Switching Protocols) and gives the connection to callback. The status is 101 at once; the response
// is sent, and callback called, when the App has returned nil, status 101 and no body. Otherwise the callback does not run, and
// Context is cancelled. Fields can be changed until then; Upgrade, which names the protocol, is that of the request
// unless the App sets it. params may be nil; none are defined here. Errors: ErrUpgrade if the client has not offered
// another protocol, ErrSealed after the head was sealed, ErrEnded.
func (e Env) Upgrade(_ map[string]any, callback UpgradeCallback) error {
	s, err := e.ResponseHeaders().lockToWrite()
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	switch {
	case callback == nil:
		return errors.New("envmap: Upgrade needs a callback")
	case !s.offersUpgrade():
		return ErrUpgrade
	case s.upgrade != nil:
		return errUpgradedTwice
	}
	s.upgrade = &upgrade{callback}
	s.values[kStatus] = nil
	s.set.remove(kStatus)
	s.gone.remove(kStatus)
	s.response.status = statusUpgrade
	return nil
}

const statusUpgrade = 101

func (s *state) offersUpgrade() bool { return s.block.Flags()&ring.RequestUpgrade != 0 }

// upgrading says whether the sealed head is that of an upgrade.
func (s *state) upgrading() bool { return s.upgrade != nil && s.response.head.Status == statusUpgrade }

// nameProtocol adds the Upgrade field of the request to a head that has none.
func (s *state) nameProtocol() {
	fields := &s.response.head.Fields
	for _, f := range *fields {
		if equalFold(f.Name, "upgrade") {
			return
		}
	}
	if v, ok := s.block.find("upgrade"); ok && !strings.Contains(string(v), ",") {
		*fields = append(*fields, Field{"Upgrade", string(v)})
	}
}

// switchProtocols answers 101, and lets the callback run.
func (s *state) switchProtocols() error {
	ctx := s.ex.Context()
	stream, err := s.ex.Upgrade(&s.response.head)
	if err != nil {
		return err
	}
	var trace io.Writer
	if s.properties != nil {
		v, _ := s.properties.Get(KeyTraceOutput)
		trace, _ = v.(io.Writer)
	}
	go s.upgrade.run(ctx, stream, trace)
	return nil
}

func (u *upgrade) run(ctx context.Context, stream Stream, trace io.Writer) {
	env := map[string]any{
		KeyOpaqueStream: stream, KeyOpaqueVersion: extensionVersion, KeyOpaqueCallCancelled: ctx,
	}
	err := errGoexit
	defer func() { // nothing else runs behind a callback that ends its goroutine
		_ = stream.Close() // the callback may have closed it
		if err != nil && trace != nil {
			_, _ = fmt.Fprintf(trace, "envmap: the callback of an upgrade failed: %v\n", err)
		}
	}()
	if failed := guarded(func() { err = u.callback(env) }); failed != nil {
		err = failed
	}
}
