package conffile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	toml "github.com/pelletier/go-toml/v2"
)

// MaxSize is the largest file that is read, in bytes.
const MaxSize = 1 << 20

// Kind is the TOML type of a value.
type Kind int

// Types of values. Other is what no key can hold: dates, arrays of arrays, tables of tables.
const (
	Other Kind = iota
	String
	Integer
	Float
	Bool
	Array
	Table
)

func (k Kind) String() string {
	return [...]string{"a value of another type", "a string", "a whole number", "a number with a fraction", "true or false", "an array", "a table"}[k]
}

// Entry is a key of the file.
type Entry struct {
	Key   string
	Line  int // from 1
	Value Value
}

// Value is what a key holds: Text of a scalar (numbers in decimal), or Elements of an array or a table.
type Value struct {
	Kind     Kind
	Text     string
	Elements []Entry // Key is empty in an array
}

// Error is a line of a file, and what is wrong with it. Line 0 is the file as a whole.
type Error struct {
	File string
	Line int
	Err  error
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
}

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// Read reads a file. Keys come in the order of the file. The error is an *Error.
func Read(name string) ([]Entry, error) {
	content, err := readAll(name)
	if err != nil {
		return nil, &Error{File: name, Err: err}
	}
	entries, err := parse(content)
	var wrong *Error
	if errors.As(err, &wrong) {
		wrong.File = name
	}
	return entries, err
}

func readAll(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, cause(err)
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err != nil {
		return nil, cause(err)
	}
	if len(content) > MaxSize {
		return nil, fmt.Errorf("the file has more than %d bytes, expected a configuration", MaxSize)
	}
	return content, nil
}

// cause leaves out the name of the file and of the system call.
func cause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("%w, expected a file that can be read", err)
}

// parse checks the whole document first, so that walking it meets nothing that is not TOML.
func parse(content []byte) ([]Entry, error) {
	var document map[string]any
	if err := toml.Unmarshal(content, &document); err != nil {
		var decode *toml.DecodeError
		if !errors.As(err, &decode) {
			return nil, &Error{Err: err}
		}
		line, column := decode.Position()
		return nil, &Error{Line: line, Err: fmt.Errorf("column %d: %s, expected TOML", column, strings.TrimPrefix(decode.Error(), "toml: "))}
	}
	return walk(content)
}
