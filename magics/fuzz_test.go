package magics

import (
	"errors"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/kernel/magic"
)

// FuzzOptions: the text of an option with a syntax of its own is either parsed, or
// refused with a one-line usage error that names the option.
func FuzzOptions(f *testing.F) {
	for _, s := range []string{"", "all", "2", "none", "5,min_delta=0.001", "step,step_size=5,gamma=0.5", "label_smoothing=0.1", "betas=[0.9,0.99]",
		"plateau,factor=1e999", "cosine,t_max=-1", "a=b=c", ",", "=", "patience=NaN", "class_weights=[1,", "beta1=\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		refused := func(option string, err error) {
			t.Helper()
			var u *magic.UsageError
			if err == nil {
				return
			}
			if !errors.As(err, &u) || !strings.HasPrefix(err.Error(), option+" ") {
				t.Fatalf("%s %q: %T %v", option, text, err, err)
			}
		}
		n, err := parseGPUs(text)
		if refused("--gpus", err); err == nil && n < -1 {
			t.Fatalf("%q is %d GPUs", text, n)
		}
		_, err = parseStop(text)
		refused("--early-stop", err)
		_, err = parseScheduler(text)
		refused("--scheduler", err)
		_, err = parseSet([]string{text})
		refused("--set", err)
	})
}
