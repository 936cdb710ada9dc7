package cli

import (
	"fmt"
	"slices"
)

// workerValue is the flag --worker: a path on the command line, where arguments follow after --, and a path with its
// arguments as an array in a file.
type workerValue options

// Set takes a path without arguments.
func (w *workerValue) Set(path string) error { return w.Replace([]string{path}) }

func (w *workerValue) String() string {
	if len(w.workerArgs) > 0 {
		return fmt.Sprintf("%q", w.GetSlice())
	}
	return w.worker
}

// Type names the kind of value; as a list it is one of strings.
func (w *workerValue) Type() string { return "string" }

// Append adds an argument.
func (w *workerValue) Append(text string) error {
	return w.Replace(append(w.GetSlice(), text))
}

// Replace takes a path and its arguments; nothing is no worker.
func (w *workerValue) Replace(texts []string) error {
	w.worker, w.workerArgs = "", nil
	if len(texts) > 0 {
		w.worker, w.workerArgs = texts[0], slices.Clone(texts[1:])
	}
	return nil
}

// GetSlice returns the path and its arguments.
func (w *workerValue) GetSlice() []string {
	if w.worker == "" && len(w.workerArgs) == 0 {
		return nil
	}
	return append([]string{w.worker}, w.workerArgs...)
}
