package envmap

// App answers one request. The Env is valid until it returns. A returned error, like a panic, becomes a 500 if nothing
// was written yet, and cuts the response off otherwise.
type App func(Env) error

// Middleware wraps an App with another one.
type Middleware func(App) App
