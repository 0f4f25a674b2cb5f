package terminal

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/magic"
)

// Complete returns what may stand in the place of the last of words, which follow
// "gopherpod"; others are the commands besides Commands. Files are the shell's affair.
func Complete(words, others []string) []string {
	if len(words) <= 1 {
		names := slices.Clone(others)
		for _, c := range Commands() {
			names = append(names, c.Name)
		}
		slices.Sort(names)
		return slices.DeleteFunc(names, func(n string) bool { return len(words) == 1 && !strings.HasPrefix(n, words[0]) })
	}
	i := slices.IndexFunc(Commands(), func(c Command) bool { return c.Name == words[0] })
	if i < 0 {
		return nil
	}
	m, ok := Commands()[i].magic().(magic.Completer)
	if !ok {
		return nil
	}
	line := strings.Join(words[1:], " ")
	matches, _ := m.Complete(line, len(line), &variables{values: map[string]any{}})
	return matches
}

// Script is the shell's part of completion.
func Script(shell string) (string, error) {
	switch shell {
	case "bash":
		return `_gopherpod() {
	local IFS=$'\n' words=("${COMP_WORDS[@]:1:COMP_CWORD}")
	COMPREPLY=($(gopherpod __complete "${words[@]}" 2>/dev/null))
	[ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o filenames -F _gopherpod gopherpod
`, nil
	case "zsh":
		return `#compdef gopherpod
_gopherpod() {
	local -a matches
	matches=("${(@f)$(gopherpod __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
	if [[ -n "${matches[1]}" ]]; then compadd -a matches; else _files; fi
}
compdef _gopherpod gopherpod
`, nil
	case "fish":
		return `function __gopherpod_complete
	set -l words (commandline -opc) (commandline -ct)
	gopherpod __complete $words[2..-1] 2>/dev/null
end
complete -c gopherpod -a '(__gopherpod_complete)'
`, nil
	}
	return "", fmt.Errorf("%q is not among the shells bash, zsh and fish", shell)
}
