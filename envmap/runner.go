package envmap

import (
	"net/http"
	"runtime/debug"
	"sync"
)

// Runner runs one App for many exchanges and keeps their working memory for reuse. It is safe for concurrent use.
type Runner struct {
	app        App
	properties *Properties
	pool       sync.Pool // of *state
}

// NewRunner returns a Runner for app, which must not be nil.
func NewRunner(app App) *Runner { return &Runner{app: app} }

// Provide gives the requests to come the capabilities and the trace output of p. It returns r.
func (r *Runner) Provide(p *Properties) *Runner {
	r.properties = p
	return r
}

// Run calls the App for one exchange and completes the response: when it returns, the last call on ex was made, none is
// running, and no memory of ex is referred to. It recovers panics. The result is nil if the response was completed as
// the App described it; otherwise it says, for the log, what went wrong, also where the client got a well-formed 500.
//
// Steady state makes no allocation of its own.
func (r *Runner) Run(ex Exchange) (err error) {
	s, _ := r.pool.Get().(*state)
	if s == nil {
		s = new(state)
	}
	s.properties = r.properties
	env, err := s.begin(ex)
	if err != nil {
		s.end()
		ex.Abort(err)
		s.clean()
		r.pool.Put(s)
		return err
	}
	result := errGoexit // what it stays if the App ends its goroutine
	defer func() {
		if v := recover(); v != nil {
			result = panicked(v)
		}
		err = s.finish(result)
		r.pool.Put(s)
	}()
	result = r.app(env)
	return nil
}

func panicked(v any) error {
	if v == ErrAbort || v == http.ErrAbortHandler {
		return ErrAbort
	}
	return &PanicError{Value: v, Stack: debug.Stack()}
}
