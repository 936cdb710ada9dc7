package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"ringway/bridge"
)

const usage = `usage: appworker [flags]

  --mode handler|env          serve an http.Handler (the default) or an environment App
  --dispatch auto|inline|pool which goroutines run it; auto is the default
  --pool N                    handlers at once with --dispatch pool; 0, the default: one per processor
  --spin DURATION             wait awake so long for the next request; 0, the default: not at all
  --files DIRECTORY           whose files /file?name=NAME serves; default: none
  --release NAME              the build this worker belongs to; default: a hash of executable and arguments
  --version                   print the version and end

RINGWAY_SOCKET names the gateway's control socket.
`

// settings are what the command line says.
type settings struct {
	env      bool // environment App instead of http.Handler
	dispatch bridge.Dispatch
	release  string
	files    string
	spin     time.Duration
	version  bool // it is only asked for
}

var errHelp = errors.New("help was asked for")

func parse(arguments []string) (settings, error) {
	flags := flag.NewFlagSet("appworker", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	mode := flags.String("mode", "handler", "")
	dispatch := flags.String("dispatch", "auto", "")
	pool := flags.Int("pool", 0, "")
	var s settings
	flags.StringVar(&s.release, "release", "", "")
	flags.StringVar(&s.files, "files", "", "")
	flags.BoolVar(&s.version, "version", false, "")
	flags.DurationVar(&s.spin, "spin", 0, "")
	switch err := flags.Parse(arguments); {
	case errors.Is(err, flag.ErrHelp):
		return s, errHelp
	case err != nil:
		return s, err
	case flags.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q: there are only flags", flags.Arg(0))
	case s.spin < 0 || s.spin > time.Millisecond:
		return s, fmt.Errorf("--spin %v: want 0 to 1ms", s.spin)
	case *pool < 0:
		return s, fmt.Errorf("--pool %d: want a number of handlers, or 0", *pool)
	}
	switch *mode {
	case "handler":
	case "env":
		s.env = true
	default:
		return s, fmt.Errorf("--mode %q: want handler or env", *mode)
	}
	switch *dispatch {
	case "auto":
		s.dispatch = bridge.Auto
	case "inline":
		s.dispatch = bridge.Inline
	case "pool":
		s.dispatch = bridge.Pool(*pool)
	default:
		return s, fmt.Errorf("--dispatch %q: want auto, inline or pool", *dispatch)
	}
	return s, nil
}
