package magics

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// TestOptionsAreTheContracts: each row of the contract has an option or is set by --set.
// Help and completion show what the row allows, and errors name the option.
func TestOptionsAreTheContracts(t *testing.T) {
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	fs.SetNormalizeFunc(commonName)
	defineTrain(fs, &trainOptions{})
	words := trainWords()
	for _, row := range contract.Hyperparameters() {
		want := "--set " + row.Name
		_, inner, deep := strings.Cut(row.Name, ".")
		if row.Option == "" {
			if !slices.Contains(words["set"], row.Name) || !strings.Contains(fs.Lookup("set").Usage, row.Name) {
				t.Errorf("--set does not offer %s", row.Name)
			}
		} else {
			want = "--" + row.Option
			f := fs.Lookup(row.Option)
			if f == nil {
				t.Errorf("%s: there is no option %s", row.Name, row.Option)
				continue
			}
			if deep {
				want += ": " + inner
			}
			if deep && !row.Required && !strings.Contains(f.Usage, inner) {
				t.Errorf("--%s does not name %s: %s", row.Option, inner, f.Usage)
			}
			for _, v := range row.Values {
				if !strings.Contains(f.Usage, v) || !deep && !slices.Contains(words[row.Option], v) {
					t.Errorf("--%s does not offer %s: %s", row.Option, v, f.Usage)
				}
			}
			if row.Range != nil && !deep && !strings.Contains(f.Usage, row.Range.Brief()) {
				t.Errorf("--%s does not say %s: %s", row.Option, row.Range, f.Usage)
			}
			if alias := fs.Lookup(strings.ReplaceAll(row.Name, "_", "-")); !deep && alias != f {
				t.Errorf("--%s is not --%s", row.Name, row.Option)
			}
		}
		field := "hyperparameters." + row.Name
		if row.Type == contract.Numbers {
			field += "[1]"
		}
		if got := optionFor(field); got != want {
			t.Errorf("%s: errors name %q, want %q", field, got, want)
		}
		if got := fieldInWords(worker.Invalid(field, "is -1, wants 0 to 1")); !strings.HasPrefix(got, want+" is -1") {
			t.Errorf("%s: %s", field, got)
		}
	}
	if got := optionFor("training_data.labels"); got != "" {
		t.Errorf("labels are no option, got %q", got)
	}
}
