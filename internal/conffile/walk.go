package conffile

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// walker goes through the syntax tree: the decoder of the library knows no lines of values that are right.
type walker struct {
	parser  unstable.Parser
	breaks  []int // offsets of line ends
	entries []Entry
	index   map[string]int // of keys in entries
	table   []Entry        // header of the table that the walker is in: its parts as keys
}

func walk(content []byte) ([]Entry, error) {
	w := walker{index: make(map[string]int)}
	for offset, c := range content {
		if c == '\n' {
			w.breaks = append(w.breaks, offset)
		}
	}
	w.parser.Reset(content)
	for w.parser.NextExpression() {
		node := w.parser.Expression()
		switch node.Kind {
		case unstable.Table:
			w.table = w.key(node)
			w.add(w.table, Value{Kind: Table})
		case unstable.ArrayTable:
			// No key holds an array of tables. What stands in it is told apart from the rest by the table's name.
			w.table = w.key(node)
			w.add(w.table, Value{Kind: Other})
		case unstable.KeyValue:
			path := w.key(node)
			w.add(append(slices.Clone(w.table), path...), w.value(node.Value(), path[0].Line))
		}
	}
	if err := w.parser.Error(); err != nil {
		return nil, &Error{Err: err}
	}
	return w.entries, nil
}

// key returns the parts of a dotted key, each with its line.
func (w *walker) key(node *unstable.Node) []Entry {
	var path []Entry
	for parts := node.Key(); parts.Next(); {
		part := parts.Node()
		path = append(path, Entry{Key: string(part.Data), Line: w.line(part, 0)})
	}
	return path
}

// line is where a node begins, or fallback where the parser does not say.
func (w *walker) line(node *unstable.Node, fallback int) int {
	if node.Raw.Length == 0 {
		return fallback
	}
	before, _ := slices.BinarySearch(w.breaks, int(node.Raw.Offset))
	return before + 1
}

// add puts a value under a key of one part, or into the table that the first part names.
func (w *walker) add(path []Entry, value Value) {
	first := path[0]
	at, found := w.index[first.Key]
	if !found {
		at = len(w.entries)
		w.index[first.Key] = at
		w.entries = append(w.entries, Entry{Key: first.Key, Line: first.Line, Value: Value{Kind: Table}})
	}
	into := &w.entries[at].Value
	switch {
	case len(path) == 1 && value.Kind == Table && into.Kind == Table:
		into.Elements = append(into.Elements, value.Elements...)
	case len(path) == 1:
		*into = value
	case into.Kind != Table:
	case len(path) == 2:
		into.Elements = append(into.Elements, Entry{Key: path[1].Key, Line: path[1].Line, Value: value})
	default:
		into.Elements = append(into.Elements, Entry{Key: path[1].Key, Line: path[1].Line})
	}
}

func (w *walker) value(node *unstable.Node, line int) Value {
	switch node.Kind {
	case unstable.String:
		return Value{Kind: String, Text: string(node.Data)}
	case unstable.Bool:
		return Value{Kind: Bool, Text: string(node.Data)}
	case unstable.Integer:
		// Go's prefixes and underscores are TOML's.
		number, err := strconv.ParseInt(string(node.Data), 0, 64)
		if err != nil {
			return Value{Kind: Other}
		}
		return Value{Kind: Integer, Text: strconv.FormatInt(number, 10)}
	case unstable.Float:
		return Value{Kind: Float, Text: strings.ReplaceAll(string(node.Data), "_", "")}
	case unstable.Array:
		value := Value{Kind: Array}
		for elements := node.Children(); elements.Next(); {
			element := elements.Node()
			if element.Kind == unstable.Comment {
				continue
			}
			line = w.line(element, line)
			value.Elements = append(value.Elements, Entry{Line: line, Value: w.value(element, line)})
		}
		return value
	case unstable.InlineTable:
		value := Value{Kind: Table}
		for elements := node.Children(); elements.Next(); {
			element := elements.Node()
			if element.Kind != unstable.KeyValue {
				continue
			}
			path := w.key(element)
			inner := Value{Kind: Other}
			if len(path) == 1 {
				inner = w.value(element.Value(), path[0].Line)
			}
			value.Elements = append(value.Elements, Entry{Key: path[0].Key, Line: path[0].Line, Value: inner})
		}
		return value
	}
	return Value{Kind: Other}
}
