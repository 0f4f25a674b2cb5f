package serve

import (
	"context"
	"slices"
	"testing"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/worker/local"
)

// A worker runs code only if the command's option says so.
func TestAllowCode(t *testing.T) {
	var got []string
	run := allowCode(func(_ context.Context, p local.Process) error {
		got = p.Env
		return nil
	})
	if err := run(t.Context(), local.Process{Env: []string{"A=b"}}); err != nil || !slices.Equal(got, []string{"A=b", "GOPHERPOD_ALLOW_CODE=1"}) {
		t.Error(got, err)
	}
	flags := pflag.NewFlagSet("local", pflag.ContinueOnError)
	Flags(flags)
	if allow, err := flags.GetBool("allow-code"); allow || err != nil {
		t.Error(allow, err)
	}
}
