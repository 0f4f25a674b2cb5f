package magics

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/worker/contract"
)

// commonName accepts options under the names that other tools use.
func commonName(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	name = strings.ReplaceAll(name, "_", "-")
	switch name {
	case "label":
		name = "target"
	case "out":
		name = "output"
	}
	if row, ok := contract.LookupHyperparameter(strings.ReplaceAll(name, "-", "_")); ok && row.Option != "" {
		name = row.Option // learning-rate is lr
	}
	return pflag.NormalizedName(name)
}

// parse fills the options of fs from words and returns what is not an option.
func parse(fs *pflag.FlagSet, magic string, words []string) ([]string, error) {
	if err := fs.Parse(words); err != nil {
		return nil, OptionError(fs, magic+"?", err)
	}
	return fs.Args(), noZero(fs)
}

// limitNames are options that limit a job. Their value 0 stands for "not given" in the code,
// so who gives it would get a job without that limit.
var limitNames = []string{"timeout", "queue-timeout", "max-cost"}

// noZero refuses an explicit 0 for an option that limits a job.
func noZero(fs *pflag.FlagSet) error {
	for _, name := range limitNames {
		if f := fs.Lookup(name); f != nil && f.Changed && (f.Value.String() == "0" || f.Value.String() == "0s" || f.Value.String() == "-0") {
			return usage("--%s: want more than 0, got %s; without the option there is no such limit", name, f.Value)
		}
	}
	return nil
}

// OptionError explains an error of fs.Parse. Help is the command that lists the
// options.
func OptionError(fs *pflag.FlagSet, help string, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		return unknownOption(fs, help, unknown)
	}
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		f := invalid.GetFlag()
		return usage("%s: want %s, got %s", optionName(f), kindOf(f), invalid.GetValue())
	}
	var missing *pflag.ValueRequiredError
	if errors.As(err, &missing) {
		f := missing.GetFlag()
		return usage("%s: want %s after it", optionName(f), kindOf(f))
	}
	return usage("%s", err)
}

// beginningWith returns the one name that begins with part, "" if there is none or there
// are several.
func beginningWith(part string, names []string) (name string) {
	for _, n := range names {
		if strings.HasPrefix(n, part) {
			if name != "" {
				return ""
			}
			name = n
		}
	}
	return name
}

func unknownOption(fs *pflag.FlagSet, help string, e *pflag.NotExistError) error {
	name := e.GetSpecifiedName()
	dashes := "--"
	if e.GetSpecifiedShortnames() != "" {
		dashes = "-"
		name = e.GetSpecifiedShortnames()
	}
	names := optionNames(fs)
	hint := didYouMean(name, names)
	if begun := beginningWith(name, names); hint == "" && begun != "" {
		hint = "; did you mean " + begun + "?"
	}
	if i := strings.Index(hint, "mean "); i >= 0 {
		hint = hint[:i+5] + "--" + hint[i+5:]
	} else {
		hint = fmt.Sprintf("; %s lists the options", help)
	}
	return usage("unknown option %s%s%s", dashes, name, hint)
}

func optionNames(fs *pflag.FlagSet) []string {
	var names []string
	fs.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	return names
}

// optionName returns the option as people write it: the short form if there is one.
func optionName(f *pflag.Flag) string {
	if f.Shorthand != "" {
		return "-" + f.Shorthand
	}
	return "--" + f.Name
}

func kindOf(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "int", "int64":
		return "a whole number"
	case "float64":
		return "a number"
	case "count":
		return "a whole number above 0"
	case "bool":
		return "true or false"
	case "duration":
		return "a time such as 90s or 2h"
	}
	name, _ := pflag.UnquoteUsage(f)
	return name
}
