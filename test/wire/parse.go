package wire

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Read reads every .txt file of a directory, in the order of their names. An error names file and line.
func Read(directory string) (*Book, error) {
	names, err := filepath.Glob(filepath.Join(directory, "*.txt"))
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("no .txt files in %s", directory)
	}
	slices.Sort(names)
	book := &Book{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := book.add(filepath.Base(name), string(text)); err != nil {
			return nil, fmt.Errorf("%s:%w", name, err)
		}
	}
	return book, nil
}

// reader is where reading a file has come to.
type reader struct {
	book      *Book
	file      string
	line      int
	section   string
	rule      *Rule
	exception *Exception
	one       *Case     // that is not complete
	answer    *Expected // that the next line may add to
	sending   bool      // the last line was bytes to send
}

func (b *Book) add(file, text string) error {
	r := reader{book: b, file: file}
	for line := range strings.SplitSeq(text, "\n") {
		r.line++
		if line == "" || line[0] == '#' {
			continue
		}
		if err := r.take(line); err != nil {
			return fmt.Errorf("%d: %w", r.line, err)
		}
	}
	if r.one != nil {
		return fmt.Errorf("%d: case %q has no fate; want open, closed, ended or cut", r.one.Line, r.one.Name)
	}
	return nil
}

func (r *reader) take(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	if r.one != nil {
		return r.inCase(word, rest)
	}
	switch word {
	case "section":
		r.section, r.rule, r.exception = rest, nil, nil
		return nil
	case "rule":
		clause, title, found := strings.Cut(rest, ": ")
		if !found || r.section == "" {
			return errors.New("want section, then rule CLAUSE: TITLE")
		}
		r.rule, r.exception = &Rule{Section: r.section, Clause: clause, Title: title}, nil
		r.book.Rules = append(r.book.Rules, r.rule)
		return nil
	case "exception":
		clause, title, found := strings.Cut(rest, ": ")
		if !found || r.section == "" {
			return errors.New("want section, then exception CLAUSE: TITLE")
		}
		r.rule, r.exception = nil, &Exception{Section: r.section, Clause: clause, Title: title}
		r.book.Exceptions = append(r.book.Exceptions, r.exception)
		return nil
	case "because":
		if r.exception == nil {
			return errors.New("because: want an exception before it")
		}
		r.exception.Because = rest
		return nil
	}
	if r.rule == nil {
		return fmt.Errorf("%q: want a rule before it", word)
	}
	switch word {
	case "code", "test":
		words := strings.Fields(rest)
		if len(words) == 0 || word == "test" && len(words) < 2 {
			return fmt.Errorf("%s %q: want a file and names", word, rest)
		}
		place := Place{words[0], words[1:]}
		if word == "code" {
			r.rule.Code = append(r.rule.Code, place)
		} else {
			r.rule.Tests = append(r.rule.Tests, place)
		}
	case "===":
		r.one = &Case{File: r.file, Line: r.line, Name: rest}
		r.answer, r.sending = nil, false
	default:
		return fmt.Errorf("%q: want section, rule, code, test, exception, because or ===", word)
	}
	return nil
}

func (r *reader) inCase(word, rest string) error {
	one := r.one
	sending := r.sending
	r.sending = false
	switch word {
	case "flags":
		one.Flags = rest
	case "only":
		side, reason, _ := strings.Cut(rest, ": ")
		if side != "c" && side != "go" || reason == "" {
			return fmt.Errorf("only %q: want c or go, and a reason", rest)
		}
		one.Only, one.Reason = side, reason
	case "whole:":
		one.Whole = true
	case ">":
		piece, err := unescape(rest)
		if err != nil {
			return err
		}
		if sending {
			last := &one.Steps[len(one.Steps)-1]
			last.Send = append(last.Send, piece...)
		} else {
			one.Steps = append(one.Steps, Step{Send: piece})
		}
		r.sending, r.answer = true, nil
	case "=":
		piece, err := unescape(rest)
		if err != nil || len(piece) == 0 {
			return fmt.Errorf("= %s: want bytes (%w)", rest, err)
		}
		one.Steps = append(one.Steps, Step{Raw: piece})
		r.answer = nil
	case "half-close", "pause":
		one.Steps = append(one.Steps, Step{HalfClose: word == "half-close", Pause: word == "pause"})
		r.answer = nil
	case "<":
		status, head := strings.CutSuffix(rest, " to HEAD")
		n, err := strconv.Atoi(status)
		if err != nil || len(status) != 3 {
			return fmt.Errorf("< %s: want a status", rest)
		}
		r.answer = &Expected{Status: n, Head: head}
		one.Steps = append(one.Steps, Step{Answer: r.answer})
	case Open, Closed, Ended, Cut:
		if len(one.Steps) == 0 || rest != "" {
			return fmt.Errorf("%s %s: want steps before it, nothing behind it", word, rest)
		}
		if word == Cut && r.answer == nil {
			return errors.New("cut: want an answer right before it")
		}
		one.Fate, r.one = word, nil
		r.rule.Cases = append(r.rule.Cases, one)
	default:
		if r.answer == nil {
			return fmt.Errorf("%q: want it behind an answer", word)
		}
		return r.answer.take(word, rest)
	}
	return nil
}

func (e *Expected) take(word, rest string) error {
	switch word {
	case "has", "trailer":
		name, text, both := strings.Cut(rest, ": ")
		value, err := unescape(text)
		switch {
		case err != nil:
			return err
		case word == "trailer":
			e.Trailers = append(e.Trailers, Field{name, string(value)})
		case both:
			e.Has = append(e.Has, Field{name, string(value)})
		default:
			e.Present = append(e.Present, name)
		}
	case "phrase":
		text, err := unescape(rest)
		if err != nil {
			return err
		}
		phrase := string(text)
		e.Phrase = &phrase
	case "no":
		e.No = append(e.No, rest)
	case "framing":
		if !slices.Contains([]string{"length", "chunked", "close", "none"}, rest) {
			return fmt.Errorf("framing %q: want length, chunked, close or none", rest)
		}
		e.Framing = rest
	case "|", "starts":
		piece, err := unescape(rest)
		if err != nil {
			return err
		}
		e.Body, e.CheckBody, e.Starts = append(e.Body, piece...), true, word == "starts"
	default:
		return fmt.Errorf("unknown word %q", word)
	}
	return nil
}
