package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// told is a thing of the command line and what it means, for reference and manual.
type told struct{ name, meaning string }

var exitCodes = []told{
	{fmt.Sprint(exitOK), "it was done; of serve: the gateway was told to end, and has"},
	{fmt.Sprint(exitFailure), "it could not be done: no gateway answers, a swap failed, or something broke; the line on standard error says which"},
	{fmt.Sprint(exitBadInput), "what was given cannot be used: command, flag, configuration, or an address or path that something else is in the way of; nothing was begun"},
}

var signals = []told{
	{"TERM, INT", "end: after --drain-delay no new connections, what runs has --drain-limit; at the second one all is cut"},
	{"HUP", "read the configuration file again, and swap to what lies at the worker's path if that has changed"},
	{"USR1", "open the access log again, after it was moved away"},
	{"USR2", "put what lies at the gateway's own path in its place, as gateway upgrade does"},
}

var environment = []told{
	{"RINGWAY_SOCKET", "control socket that workers look for; the gateway sets it for those that it starts"},
	{"RINGWAY_CREW", "set for workers that the gateway starts, so that it knows which one attaches"},
	{"LISTEN_FDS, LISTEN_FDNAMES", "sockets of a service manager, for --listen systemd:NAME"},
	{"NOTIFY_SOCKET, WATCHDOG_USEC", "where the service manager is told of start, reload, end and life"},
	{"XDG_RUNTIME_DIR", "where the control socket is by default"},
}

// printManual writes gateway(1) for man.
func printManual(args []string, stdout, _ io.Writer, _ NewEngine) error {
	if helpWanted(args) {
		return pflag.ErrHelp
	}
	if err := noArguments("man", args); err != nil {
		return err
	}
	_, err := io.WriteString(stdout, manual())
	return err
}

func manual() string {
	var m strings.Builder
	m.WriteString(".TH GATEWAY 1 \"\" Ringway \"User Commands\"\n.SH NAME\ngateway \\- HTTP gateway for Go workers\n.SH SYNOPSIS\n")
	for i, c := range commands() {
		if i > 0 {
			m.WriteString(".br\n")
		}
		m.WriteString(".B " + roff(strings.TrimSuffix(c.synopsis(), " "+c.operands)) + "\n")
		if c.operands != "" {
			m.WriteString(roff(c.operands) + "\n")
		}
	}
	m.WriteString(".SH DESCRIPTION\nThe gateway owns the sockets of a service, parses HTTP, and hands the requests through shared memory to workers: Go programs that it " +
		"starts itself or that attach to its control socket. The other commands speak to a gateway that runs, at its admin address.\n.SH COMMANDS\n")
	for _, c := range commands() {
		item(&m, c.name, c.summary)
	}
	for _, c := range commands() {
		if c.flags == nil || c.name == "check" || c.name == "config" {
			continue
		}
		title := c.name
		if c.name == "serve" {
			title = "serve, check and config"
		}
		m.WriteString(".SH FLAGS OF " + roff(strings.ToUpper(title)) + "\n")
		if c.name == "serve" {
			m.WriteString("Each but --config and --test is also a key of the file that --config names (TOML); flags go before the file, the file before defaults.\n")
		}
		c.eachFlag(func(flag *pflag.Flag) {
			placeholder, usage := pflag.UnquoteUsage(flag)
			text := strings.Join(flagNames(flag), ", ")
			if takesValue(flag) {
				text += " " + strings.ToUpper(placeholder)
			}
			if value, ok := fixedDefault(flag); ok {
				usage += " (default: " + value + ")"
			}
			item(&m, text, usage)
		})
	}
	for _, section := range []struct {
		title string
		items []told
	}{{"SIGNALS", signals}, {"EXIT STATUS", exitCodes}, {"ENVIRONMENT", environment}} {
		m.WriteString(".SH " + section.title + "\n")
		for _, i := range section.items {
			item(&m, i.name, i.meaning)
		}
	}
	return m.String()
}

func item(m *strings.Builder, name, text string) {
	fmt.Fprintf(m, ".TP\n.B %s\n%s\n", roff(name), roff(text))
}

// roff takes the meaning from what troff looks for: backslashes, dashes, and a dot or quote that begins a line.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
