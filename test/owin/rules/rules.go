// Package rules holds what OWIN asks of a server, and Ringway's own promises beside it, as rules with cases. A case is a
// request and an App that looks at its environment from within; it runs in a worker behind a real gateway, and most run
// without one, too. docs/owin-conformance.md is written from these rules.
package rules

import (
	"fmt"
	"strings"
	"sync"

	"ringway/envmap"
)

// Place is a test elsewhere: a file of the source tree and the functions in it.
type Place struct {
	File  string
	Tests []string
}

// Rule is what holds.
type Rule struct {
	Section string
	Clause  string // of which specification
	Title   string
	Cases   []Case
	Tests   []Place
}

// Exception is something that is not done as OWIN might have it.
type Exception struct{ Clause, Title, Because string }

// Case shows that a rule holds.
type Case struct {
	Name string
	Send string // the request; %s is where the field that names the case goes; empty: a plain GET
	App  func(c *Check, env envmap.Env) error

	Status int      // of the answer, 200 if 0
	Phrase string   // of its status line behind a gateway, if not empty
	Fields []string // "Name: value", each once in the answer
	Body   string   // of the answer; empty: "ok", see ok; "-": none
	Cut    bool     // the connection is cut within the answer
	Log    string   // in the worker's log, or in what Runner.Run returns
	Talk   *Talk    // behind an answer 101
	Late   bool     // Check.Later is called, and what it checks is fetched with another request

	GatewayOnly bool // it needs a client that does more than ask
	Leave       bool // the client leaves before the answer, once the App has called Check.Waits
}

// Talk is what goes over an upgraded connection: the client sends, and reads up to the end.
type Talk struct{ Send, Want string }

// CaseField is the field that tells a worker which case a request is for, and LateField which one's results are asked for.
const (
	CaseField = "X-Case"
	LateField = "X-Case-Late"
)

// Request is the request of a case.
func (c *Case) Request() string {
	text := c.Send
	if text == "" {
		text = "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n"
	}
	return strings.Replace(text, "%s", CaseField+": "+c.Name+"\r\n", 1)
}

// Check collects what is wrong.
type Check struct {
	mu    sync.Mutex
	wrong []string
	late  chan struct{}
	waits chan struct{}
}

// NewCheck returns an empty Check.
func NewCheck() *Check { return &Check{late: make(chan struct{}), waits: make(chan struct{})} }

// Errorf notes something that is wrong.
func (c *Check) Errorf(format string, arguments ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, fmt.Sprintf(format, arguments...))
}

// Wrong is everything noted so far, empty if there is nothing.
func (c *Check) Wrong() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.wrong, "\n")
}

// Later runs a check behind the end of the exchange, in another goroutine, which begins now.
func (c *Check) Later(check func()) {
	go func() {
		defer close(c.late)
		check()
	}()
}

// Late is closed when the check of Later is done.
func (c *Check) Late() <-chan struct{} { return c.late }

// Waits tells that the client may leave now.
func (c *Check) Waits() { close(c.waits) }

// Waiting is closed when the client may leave.
func (c *Check) Waiting() <-chan struct{} { return c.waits }

// Equal compares two values.
func Equal[T comparable](c *Check, what string, got, want T) {
	if got != want {
		c.Errorf("%s is %v, want %v", what, got, want)
	}
}

// value is the value of a key, which must be there with type T.
func value[T any](c *Check, env envmap.Env, key string) T {
	v, ok := env.Get(key)
	t, right := v.(T)
	if !ok || !right {
		c.Errorf("%s is %T, want %T", key, v, t)
	}
	return t
}

// All are all rules, in the order of the page.
func All() []Rule {
	var all []Rule
	for _, group := range [][]Rule{keyRules, pathRules, headerRules, responseRules, lifeRules, dictionaryRules, startupRules, extensionRules} {
		all = append(all, group...)
	}
	return all
}

// ByName finds a case.
var ByName = sync.OnceValue(func() map[string]*Case {
	found := map[string]*Case{}
	for _, r := range All() {
		for i := range r.Cases {
			found[r.Cases[i].Name] = &r.Cases[i]
		}
	}
	return found
})

// Run runs the App of a case: what it finds wrong becomes the answer, or an error if the answer has begun.
func (c *Case) Run(check *Check, env envmap.Env) error {
	err := c.App(check, env)
	if wrong := check.Wrong(); wrong != "" {
		if env.SetStatus(500) == nil {
			return env.Reply(500).Text("wrong: " + wrong + "\n")
		}
		return fmt.Errorf("wrong: %s", wrong)
	}
	if err != nil {
		return err
	}
	if _, asked := env.Get(AnswerKey); !asked {
		return nil
	}
	return env.Reply(200).Text("ok")
}

// AnswerKey is what a case sets that wants "ok" to be answered.
const AnswerKey = "rules.Ok"

// ok makes the answer "ok".
func ok(env envmap.Env) error { return env.Set(AnswerKey, true) }
