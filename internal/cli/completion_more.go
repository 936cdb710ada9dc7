package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// zshCompletion leaves words and values to _arguments.
func zshCompletion() string {
	var cases, names strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&names, "        %s\n", zshQuote(c.name+":"+zshText(c.summary)))
		fmt.Fprintf(&cases, "    %s)\n        _arguments -S", c.name)
		c.eachFlag(func(flag *pflag.Flag) {
			for _, name := range flagNames(flag) {
				fmt.Fprintf(&cases, " \\\n            %s", zshQuote(zshFlag(name, flag)))
			}
		})
		switch words := c.operandWords(); {
		case words != nil:
			fmt.Fprintf(&cases, " \\\n            '1:word:(%s)'", strings.Join(words, " "))
		case c.operand == fileOperand:
			cases.WriteString(" \\\n            '1:program:_files'")
		}
		if strings.Contains(c.operands, "ARGS") {
			cases.WriteString(" \\\n            '*:argument:_files'")
		}
		cases.WriteString("\n        ;;\n")
	}
	return fmt.Sprintf(`#compdef gateway
# Completion of gateway for zsh: source <(gateway completion zsh), or a file _gateway in a directory of fpath.
_gateway() {
    local -a names
    names=(
%s    )
    if ((CURRENT == 2)); then
        _describe command names
        return
    fi
    shift words
    ((CURRENT--))
    case $words[1] in
%s    esac
}
if [[ $funcstack[1] == _gateway ]]; then
    _gateway "$@"
else
    compdef _gateway gateway
fi
`, names.String(), cases.String())
}

// zshFlag is a flag as _arguments has it: *--name=[text]:value:action; the star lets it be repeated.
func zshFlag(name string, flag *pflag.Flag) string {
	placeholder, usage := pflag.UnquoteUsage(flag)
	text := name
	if takesValue(flag) && strings.HasPrefix(name, "--") {
		text += "="
	}
	text += "[" + zshText(usage) + "]"
	if _, list := flag.Value.(pflag.SliceValue); list && flag.Name != "worker" {
		text = "*" + text
	}
	if !takesValue(flag) {
		return text
	}
	words, files, directories := values(flag)
	action := " "
	switch {
	case words != nil:
		action = "(" + strings.Join(words, " ") + ")"
	case files:
		action = "_files"
	case directories:
		action = "_files -/"
	}
	return text + ":" + zshText(placeholder) + ":" + action
}

// zshText takes the meaning from characters that _arguments and _describe look for.
func zshText(text string) string {
	return strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(text)
}

func zshQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// fishCompletion is one line for each command, flag and operand.
func fishCompletion() string {
	var script strings.Builder
	script.WriteString("# Completion of gateway for fish: gateway completion fish | source\ncomplete -c gateway -f\n")
	for _, c := range commands() {
		fmt.Fprintf(&script, "complete -c gateway -n __fish_use_subcommand -a %s -d %s\n", c.name, fishQuote(c.summary))
		after := fmt.Sprintf("complete -c gateway -n '__fish_seen_subcommand_from %s'", c.name)
		if c.operand == commandOperand {
			// Here the other commands are operands, which the test of fish would take for commands.
			after = fmt.Sprintf("complete -c gateway -n '__fish_seen_subcommand_from %s; and test (count (commandline -opc)) -eq 2'", c.name)
		}
		c.eachFlag(func(flag *pflag.Flag) {
			_, usage := pflag.UnquoteUsage(flag)
			fmt.Fprintf(&script, "%s -l %s", after, flag.Name)
			if flag.Shorthand != "" {
				fmt.Fprintf(&script, " -s %s", flag.Shorthand)
			}
			words, files, directories := values(flag)
			switch {
			case words != nil:
				fmt.Fprintf(&script, " -x -a %s", fishQuote(strings.Join(words, " ")))
			case files:
				script.WriteString(" -r -F")
			case directories:
				script.WriteString(" -x -a '(__fish_complete_directories)'")
			case takesValue(flag):
				script.WriteString(" -x")
			}
			fmt.Fprintf(&script, " -d %s\n", fishQuote(usage))
		})
		switch words := c.operandWords(); {
		case words != nil:
			fmt.Fprintf(&script, "%s -a %s\n", after, fishQuote(strings.Join(words, " ")))
		case c.operand == fileOperand:
			fmt.Fprintf(&script, "%s -F\n", after)
		}
	}
	return script.String()
}

func fishQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
