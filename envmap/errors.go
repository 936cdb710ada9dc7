package envmap

import (
	"errors"
	"fmt"
)

var (
	// ErrEnded is returned by every call on an Env whose App has returned.
	ErrEnded = errors.New("envmap: the exchange has ended")
	// ErrSealed is returned when status or fields are changed after the first body write.
	ErrSealed = errors.New("envmap: the response head is sealed by the first write")
	// ErrKeyExists is returned by Add for a key that is present.
	ErrKeyExists = errors.New("envmap: the key is already present")
	// ErrReservedKey is returned when a key "owin." is assigned that OWIN does not define.
	ErrReservedKey = errors.New("envmap: an application must not define new keys owin.*")
	// ErrSending is returned by response calls while callbacks of OnSendingHeaders run.
	ErrSending = errors.New("envmap: the callbacks of OnSendingHeaders have not returned")
	// ErrBodyNotAllowed is returned by writes to a response whose status has no body.
	ErrBodyNotAllowed = errors.New("envmap: the status allows no response body")
	// ErrContentLength is returned by a write that would exceed the declared Content-Length; nothing of it is written.
	ErrContentLength = errors.New("envmap: the body is longer than the declared Content-Length")
	// ErrShortBody means that an App returned before it had written the declared Content-Length.
	ErrShortBody = errors.New("envmap: the body is shorter than the declared Content-Length")
	// ErrUpgrade is what Upgrade fails with where the client has not offered another protocol.
	ErrUpgrade = errors.New("envmap: the request does not offer another protocol")
	// ErrReserved is returned by response calls between Reserve and Commit, and by Commit without Reserve.
	ErrReserved = errors.New("envmap: Reserve and Commit do not pair")
	// ErrAbort, returned by an App or given to panic, cuts the response off even if nothing was written yet, and is not
	// worth a log line.
	ErrAbort = errors.New("envmap: the application aborted the response")

	errNegativeLength = errors.New("envmap: negative number of bytes")
	errGoexit         = errors.New("envmap: the application ended its goroutine")
)

// ValueError is a value in the environment that the response cannot be made of.
type ValueError struct {
	Key   string // environment key, e.g. "owin.ResponseStatusCode"
	Field string // name of the response field at fault, if it is one
	Value string // what was found, shortened
	Want  string
}

func (e *ValueError) Error() string {
	where := e.Key
	if e.Field != "" {
		where = fmt.Sprintf("%s[%q]", e.Key, shorten(e.Field))
	}
	return fmt.Sprintf("envmap: %s is %s, want %s", where, e.Value, e.Want)
}

// PanicError is what an App gave to panic.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("envmap: panic: %v\n%s", e.Value, e.Stack) }

// Unwrap gives the panic value if it was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

func shorten(s string) string {
	const most = 64
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

func typeError(key string, v any, want string) *ValueError {
	return &ValueError{Key: key, Value: fmt.Sprintf("of type %T", v), Want: want}
}
