package terminal

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestEveryCommandAnswers: these rules hold for all commands, including future ones. Help
// goes to stdout with exit code 0, and the three ways to ask for it agree; a wrong option
// is named on stderr with exit code 2; completion knows every option, and every first
// word.
func TestEveryCommandAnswers(t *testing.T) {
	workplace(t)
	for _, c := range (&Program{}).Root().Commands() {
		if c.Name() == "help" || c.Hidden {
			continue
		}
		t.Run(c.Name(), func(t *testing.T) {
			code, help, errs := do(t.Context(), "help", c.Name())
			if code != OK || errs != "" || !strings.HasPrefix(help, "usage: gopherpod "+c.Name()) || !strings.Contains(help, c.Short) && c.Long == "" {
				t.Errorf("help: exit code %d, stderr %q, stdout\n%s", code, errs, help)
			}
			for _, option := range []string{"--help", "-h"} {
				if code, out, errs := do(t.Context(), c.Name(), option); code != OK || out != help || errs != "" {
					t.Errorf("%s: exit code %d, stderr %q, stdout\n%s", option, code, errs, out)
				}
			}
			code, out, errs := do(t.Context(), c.Name(), "--no-such-option")
			if code != Usage || out != "" || !strings.Contains(errs, "--no-such-option") || strings.Count(errs, "\n") != 1 {
				t.Errorf("a wrong option: exit code %d, stdout %q, stderr %q", code, out, errs)
			}
			completes(t, c)
			for _, w := range c.ValidArgs {
				word, _, _ := strings.Cut(w, "\t")
				if !strings.Contains(help, word) {
					t.Errorf("the help does not name %q", word)
				}
			}
		})
	}
}

// completes checks the options and the first words that a shell is offered.
func completes(t *testing.T, c *cobra.Command) {
	t.Helper()
	offered := func(prefix string) []string {
		code, out, _ := do(t.Context(), "__complete", c.Name(), prefix)
		if code != OK {
			t.Errorf("__complete %s %q: exit code %d", c.Name(), prefix, code)
		}
		var words []string
		for line := range strings.Lines(out) {
			word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
			words = append(words, word)
		}
		return words
	}
	options, words := offered("--"), offered("")
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && !slices.Contains(options, "--"+f.Name) {
			t.Errorf("completion does not offer --%s: %q", f.Name, options)
		}
	})
	for _, w := range c.ValidArgs {
		if word, _, _ := strings.Cut(w, "\t"); !slices.Contains(words, word) {
			t.Errorf("completion does not offer %q: %q", word, words)
		}
	}
}
