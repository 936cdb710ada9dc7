package approutes

import (
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// badValue is a query value that does not fit; its text is the line that the client gets.
type badValue struct{ text string }

func (b badValue) Error() string { return b.text }

// number returns the query value of name, which must lie in least..most.
func number(query url.Values, name string, least, most int64) (int64, error) {
	text := query.Get(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		return 0, badValue{fmt.Sprintf("%s=%q: want a number from %d to %d", name, text, least, most)}
	}
	return n, nil
}

// millis returns the query value of ms; 0 if it is missing and need not be there.
func millis(query url.Values, required bool) (time.Duration, error) {
	if !required && !query.Has("ms") {
		return 0, nil
	}
	n, err := number(query, "ms", 0, mostMillis)
	return time.Duration(n) * time.Millisecond, err
}

// bytesQuery reads the query of /bytes.
func bytesQuery(query url.Values) (n int64, inPlace bool, err error) {
	n, err = number(query, "n", 0, mostBytes)
	if err != nil || !query.Has("copy") {
		return n, false, err
	}
	if c := query.Get("copy"); c != "none" {
		return 0, false, badValue{fmt.Sprintf("copy=%q: want none", c)}
	}
	return n, true, nil
}

// streamQuery reads the query of /stream.
func streamQuery(query url.Values) (n int64, apart time.Duration, err error) {
	if n, err = number(query, "n", 0, mostChunks); err != nil {
		return 0, 0, err
	}
	apart, err = millis(query, false)
	return n, apart, err
}
