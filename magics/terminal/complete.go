package terminal

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/runs/sqlite"
)

func completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish"}
	return &cobra.Command{
		Use: "completion bash|zsh|fish", Short: "Print the shell's script for completion",
		Example:   "source <(gopherpod completion bash)\nsource <(gopherpod completion zsh)\ngopherpod completion fish | source",
		Args:      exactly(1),
		ValidArgs: shells,
		RunE: func(c *cobra.Command, args []string) error {
			text, err := script(args[0])
			if err == nil {
				_, err = io.WriteString(c.OutOrStdout(), text)
			}
			return err
		},
	}
}

// complete prints the completions of the last of words, one per line. Cobra finds them.
// Its last line tells cobra's own scripts what to do with files. complete omits that
// line, because our scripts, which do not need bash-completion, offer files if nothing
// else fits.
func (p *Program) complete(ctx context.Context, words []string) int {
	if len(words) == 0 {
		words = []string{""}
	}
	var out bytes.Buffer
	root := p.Root()
	root.SetOut(&out)
	root.SetErr(io.Discard)
	root.SetArgs(append([]string{cobra.ShellCompNoDescRequestCmd}, words...))
	if err := root.ExecuteContext(ctx); err != nil {
		return Failed
	}
	word := words[len(words)-1]
	if _, value, ok := strings.Cut(word, "="); ok && strings.HasPrefix(word, "--") {
		word = value
	}
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	for _, line := range lines[:len(lines)-1] {
		if strings.HasPrefix(line, word) {
			fmt.Fprintln(p.Stdout, line)
		}
	}
	return OK
}

// completeArgs offers the ids of runs; the shell completes files.
func (m magicCommand) completeArgs(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if m.first != runID || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	ids := []string{"last"}
	path := sqlite.DefaultPath()
	if _, err := os.Stat(path); err != nil {
		return ids, cobra.ShellCompDirectiveNoFileComp
	}
	store, err := sqlite.Open(path)
	if err != nil {
		return ids, cobra.ShellCompDirectiveNoFileComp
	}
	defer store.Close()
	list, _, err := store.List(c.Context(), runs.Filter{Limit: 20})
	if err != nil {
		return ids, cobra.ShellCompDirectiveNoFileComp
	}
	for _, r := range list {
		ids = append(ids, r.ID)
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// script returns the shell's part of completion.
func script(shell string) (string, error) {
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
	return "", usage("want bash, zsh or fish, got %q", shell)
}
