package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"ringway/internal/accesslog"
)

var shells = []string{"bash", "zsh", "fish"}

// chosen are the values of flags that take one of a few.
var chosen = map[string][]string{
	"log-format":        {"text", "json"},
	"access-log-format": {accesslog.JSON, accesslog.Combined},
}

// printCompletion writes a script from the tables of commands and flags; the script asks nobody when it runs.
func printCompletion(args []string, stdout, _ io.Writer, _ NewEngine) error {
	if helpWanted(args) {
		return pflag.ErrHelp
	}
	if len(args) != 1 || !slices.Contains(shells, args[0]) {
		return badInput("completion for %q, expected bash, zsh or fish", strings.Join(args, " "))
	}
	script := map[string]func() string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[args[0]]()
	_, err := io.WriteString(stdout, script)
	return err
}

// helpWanted is for commands without flags of their own.
func helpWanted(args []string) bool {
	return len(args) == 1 && (args[0] == "-h" || args[0] == "--help")
}

func (c command) eachFlag(do func(*pflag.Flag)) {
	if c.flags != nil {
		c.flags().VisitAll(do)
	}
}

// values are what a flag takes: none, one of a few, a file, a directory, or words that nothing is known of.
func values(flag *pflag.Flag) (words []string, files, directories bool) {
	placeholder, _ := pflag.UnquoteUsage(flag)
	switch {
	case chosen[flag.Name] != nil:
		return chosen[flag.Name], false, false
	case placeholder == "DIR":
		return nil, false, true
	// A probe is the path of a URL.
	case placeholder == "FILE", placeholder == "PATH" && flag.Name != "probe":
		return nil, true, false
	}
	return nil, false, false
}

func takesValue(flag *pflag.Flag) bool { return flag.NoOptDefVal == "" }

// operandWords are the words that a command may be followed by.
func (c command) operandWords() []string {
	switch c.operand {
	case shellOperand:
		return shells
	case commandOperand:
		var names []string
		for _, other := range commands() {
			names = append(names, other.name)
		}
		return names
	}
	return nil
}

func bashCompletion() string {
	var flags, operands strings.Builder
	takeFiles, takeWord, words := map[string]bool{}, map[string]bool{}, map[string][]string{}
	for _, c := range commands() {
		var names []string
		c.eachFlag(func(flag *pflag.Flag) {
			some, files, directories := values(flag)
			for _, name := range flagNames(flag) {
				names = append(names, name)
				switch {
				case some != nil:
					words[name] = some
				case files || directories:
					takeFiles[name] = true
				case takesValue(flag):
					takeWord[name] = true
				}
			}
		})
		if len(names) > 0 {
			fmt.Fprintf(&flags, "    %s) flags=%q ;;\n", c.name, strings.Join(names, " "))
		}
		switch some := c.operandWords(); {
		case some != nil:
			fmt.Fprintf(&operands, "    %s) COMPREPLY=($(compgen -W %q -- \"$word\")) ;;\n", c.name, strings.Join(some, " "))
		case c.operand == fileOperand:
			fmt.Fprintf(&operands, "    %s) compopt -o default 2>/dev/null; COMPREPLY=($(compgen -f -- \"$word\")) ;;\n", c.name)
		}
	}
	var choices strings.Builder
	for _, name := range sorted(words) {
		fmt.Fprintf(&choices, "    %s) COMPREPLY=($(compgen -W %q -- \"$word\")); return ;;\n", name, strings.Join(words[name], " "))
	}
	help, _ := findCommand("help")
	return fmt.Sprintf(`# Completion of gateway for bash: source <(gateway completion bash)
_gateway() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} flags= i
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W %q -- "$word"))
        return
    fi
    for ((i = 2; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == -- ]]; then # arguments of the worker
            COMPREPLY=($(compgen -f -- "$word"))
            return
        fi
    done
    if [[ $word == = ]]; then # --flag=
        word=
    elif [[ $before == = ]]; then # --flag=value is three words to bash
        before=${COMP_WORDS[COMP_CWORD-2]}
    fi
    case $before in
%s    %s) compopt -o default 2>/dev/null; COMPREPLY=($(compgen -f -- "$word")); return ;;
    %s) return ;;
    esac
    case $command in
%s    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$flags" -- "$word"))
        return
    fi
    case $command in
%s    esac
}
complete -F _gateway gateway
`, strings.Join(help.operandWords(), " "), choices.String(), strings.Join(sorted(takeFiles), "|"), strings.Join(sorted(takeWord), "|"), flags.String(), operands.String())
}

// flagNames are the words that a flag is given by.
func flagNames(flag *pflag.Flag) []string {
	if flag.Shorthand != "" {
		return []string{"--" + flag.Name, "-" + flag.Shorthand}
	}
	return []string{"--" + flag.Name}
}

func sorted[T any](of map[string]T) []string {
	var names []string
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
