package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"
)

// Flags adds the options of gopherpod check to flags.
func Flags(flags *pflag.FlagSet) {
	flags.Bool("json", false, "print the findings as JSON")
	flags.Bool("fix", false, "mask secrets, shorten home paths and take out huge outputs, in the file itself")
}

// ErrFound is the error for a notebook with findings that should not be shared.
var ErrFound = errors.New("found what should not be shared; to mask it, run gopherpod check --fix")

// Run runs gopherpod check: it examines the files and prints its findings. redact masks
// the secrets that this machine knows. Run returns ErrFound if a grave finding remains.
func Run(flags *pflag.FlagSet, files []string, redact func(string) string, out io.Writer) error {
	if len(files) == 0 {
		return errors.New("want at least one notebook: gopherpod check FILE")
	}
	fix, _ := flags.GetBool("fix")
	asJSON, _ := flags.GetBool("json")
	all := map[string][]Finding{}
	grave := false
	for _, name := range files {
		found, err := File(name, redact)
		if err == nil && fix && len(found) > 0 {
			err = fixFile(name, redact)
		}
		if err != nil {
			return err
		}
		all[name] = found
		for _, f := range found {
			grave = grave || f.Kind.Grave() && !fix
			if !asJSON {
				fmt.Fprintf(out, "%s: %s\n", name, f)
			}
		}
		if len(found) == 0 && !asJSON {
			fmt.Fprintf(out, "%s: nothing found\n", name)
		}
	}
	if asJSON {
		if err := json.NewEncoder(out).Encode(all); err != nil {
			return err
		}
	}
	if grave {
		return ErrFound
	}
	return nil
}

// fixFile rewrites a notebook with its findings fixed. If writing fails, the old file
// stays.
func fixFile(name string, redact func(string) string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	home, _ := os.UserHomeDir()
	fixed, _, err := Fix(bytes.NewReader(b), redact, home)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	next := name + ".gopherpod"
	if err := os.WriteFile(next, fixed, info.Mode().Perm()); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return os.Rename(next, name)
}
