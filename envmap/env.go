package envmap

// Env is the environment of one request.
type Env struct {
	ex Exchange
}
