package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// What completion offers for a command's own words.
const (
	noOperand = iota
	fileOperand
	commandOperand
	shellOperand
)

// command is one word after the program's name. Help, completion, the reference and the manual page are made of this.
type command struct {
	name     string
	operands string // what follows the flags, as a synopsis has it
	summary  string
	flags    func() *pflag.FlagSet // nil: none
	operand  int                   // what the operands are
	run      func(args []string, stdout, stderr io.Writer, newEngine NewEngine) error
}

func commands() []command {
	serving := func() *pflag.FlagSet { return serveFlags(&options{}) }
	client := func(name string) func() *pflag.FlagSet {
		return func() *pflag.FlagSet { return clientFlags(name, &clientOptions{}) }
	}
	own := func() *pflag.FlagSet { return versionFlags(new(bool)) }
	return []command{
		{"serve", "[-- ARGS]", "run the gateway; ARGS are those of --worker", serving, noOperand, serve},
		{"check", "[-- ARGS]", "test a configuration without opening anything; also -t", serving, noOperand, check},
		{"config", "[-- ARGS]", "print the configuration in effect, and where each value comes from", serving, noOperand, printConfig},
		{"swap", "PATH [-- ARGS]", "replace the worker by another build; without -- the arguments stay", client("swap"), fileOperand, swap},
		{"rollback", "", "go back to the release before", client("rollback"), noOperand, rollback},
		{"drain", "[WORKER]", "let a worker finish and end, or after --drain-delay the gateway", client("drain"), noOperand, drain},
		{"status", "", "what the gateway and its workers do", client("status"), noOperand, status},
		{"top", "", "watch rates, latencies, workers and rings; a line each second where the output is no terminal", client("top"), noOperand, top},
		{"events", "", "print what changes as it does, after what is kept of the past", client("events"), noOperand, printEvents},
		{"upgrade", "PATH", "put another gateway in this one's place, connections and all; also USR2", client("upgrade"), fileOperand, upgrade},
		{"stop", "", "let all finish and end, without --drain-delay", client("stop"), noOperand, stop},
		{"version", "", "print version, build, ring layout and Go version", own, noOperand, printVersion},
		{"completion", "bash|zsh|fish", "print a script that completes commands and flags in a shell", nil, shellOperand, printCompletion},
		{"man", "", "print the manual page gateway(1)", nil, noOperand, printManual},
		{"help", "[COMMAND]", "print the commands, or the flags of one", nil, commandOperand, help},
	}
}

func findCommand(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name {
			return c, true
		}
	}
	return command{}, false
}

func commandNames() string {
	var names []string
	for _, command := range commands() {
		names = append(names, command.name)
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// synopsis is how the command is used.
func (c command) synopsis() string {
	text := "gateway " + c.name
	if c.flags != nil {
		text += " [flags]"
	}
	if c.operands != "" {
		text += " " + c.operands
	}
	return text
}

// noArguments is for commands that take flags at most.
func noArguments(name string, args []string) error {
	if len(args) > 0 {
		return badInput("unexpected argument %q, expected none after %s", args[0], name)
	}
	return nil
}

func help(args []string, stdout, _ io.Writer, _ NewEngine) error {
	if len(args) == 0 {
		text := "Usage: gateway COMMAND\n\nCommands:\n"
		for _, c := range commands() {
			text += fmt.Sprintf("  %-11s %s\n", c.name, c.summary)
		}
		_, err := io.WriteString(stdout, text+"\n`gateway help COMMAND` lists the flags of a command, docs/reference.md explains them all.\n")
		return err
	}
	c, found := findCommand(args[0])
	if !found || len(args) > 1 {
		return badInput("no help for %q, expected %s", strings.Join(args, " "), commandNames())
	}
	return commandHelp(c, stdout)
}

func commandHelp(c command, stdout io.Writer) error {
	text := fmt.Sprintf("Usage: %s\n\n%s\n", c.synopsis(), c.summary)
	if c.flags != nil {
		text += "\nFlags:\n" + c.flags().FlagUsages()
	}
	_, err := io.WriteString(stdout, text)
	return err
}
