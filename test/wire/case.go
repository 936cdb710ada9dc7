package wire

// Field is a header or trailer field.
type Field struct{ Name, Value string }

// Step is one thing that happens on the connection; exactly one of its members is set.
type Step struct {
	Send      []byte
	Answer    *Expected
	Raw       []byte // bytes that come behind a 101
	HalfClose bool
	Pause     bool
}

// Expected is what has to be true of an answer.
type Expected struct {
	Status    int
	Head      bool     // it answers a HEAD
	Phrase    *string  // of the status line; nil: any
	Has       []Field  // exactly one field of that name, with that value
	Present   []string // exactly one field of that name
	No        []string
	Framing   string // empty: any
	Body      []byte
	CheckBody bool
	Starts    bool // Body is how the body starts
	Trailers  []Field
}

// Fates of a connection.
const (
	Open   = "open"
	Closed = "closed"
	Ended  = "ended"
	Cut    = "cut"
)

// Case is one conversation.
type Case struct {
	File   string // base name
	Line   int
	Name   string
	Flags  string // of the gateway, separated by spaces
	Only   string // "c", "go", or empty: both
	Reason string // for Only
	Whole  bool
	Steps  []Step
	Fate   string
}

// Place is a file of the source tree and words that stand in it.
type Place struct {
	File  string
	Words []string
}

// Rule is a rule of HTTP, or of the gateway where HTTP leaves a choice.
type Rule struct {
	Section, Clause, Title string
	Code                   []Place
	Tests                  []Place // elsewhere
	Cases                  []*Case
}

// Exception is something that the gateway does not do.
type Exception struct{ Section, Clause, Title, Because string }

// Book is everything that the case files say.
type Book struct {
	Rules      []*Rule
	Exceptions []*Exception
}

// Cases returns the cases of all rules.
func (b *Book) Cases() []*Case {
	var all []*Case
	for _, rule := range b.Rules {
		all = append(all, rule.Cases...)
	}
	return all
}
