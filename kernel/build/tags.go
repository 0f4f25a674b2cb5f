package build

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Flags are the flags in a value of GOFLAGS.
type Flags struct {
	Tags []string // build tags, sorted
	Mod  string   // vendor, mod, readonly or empty
	// Other holds the other flags, which we cannot apply to the packages of cells,
	// because these must be compatible with the packages of the session program.
	Other []string
}

// ParseFlags splits a value of GOFLAGS. The last one of several equal flags wins.
func ParseFlags(goflags string) (f Flags) {
	for _, word := range strings.Fields(goflags) {
		word = strings.Trim(word, `"'`)
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-"), "=")
		switch {
		case name == "tags" && strings.HasPrefix(word, "-"):
			f.Tags = slices.DeleteFunc(strings.Split(value, ","), func(t string) bool { return t == "" })
		case name == "mod" && strings.HasPrefix(word, "-") && slices.Contains([]string{"vendor", "mod", "readonly"}, value):
			f.Mod = value
		default:
			f.Other = append(f.Other, word)
		}
	}
	slices.Sort(f.Tags)
	f.Tags = slices.Compact(f.Tags)
	return f
}

// userFlags returns the flags in the GOFLAGS of the notebook.
func (m *Modules) userFlags() Flags {
	if m.Env == nil {
		return Flags{}
	}
	value := ""
	for _, kv := range m.Env() {
		if v, ok := strings.CutPrefix(kv, "GOFLAGS="); ok {
			value = v
		}
	}
	return ParseFlags(value)
}

// tags returns the build tags of the notebook.
func (m *Modules) tags() []string { return m.userFlags().Tags }

// tagsFlag returns the flag that passes tags to the go command.
func tagsFlag(tags []string) string { return "-tags=" + strings.Join(tags, ",") }

// sameFile reports whether two archives have the same content.
func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	if err != nil {
		return false
	}
	if os.SameFile(x, y) {
		return true
	}
	if x.Size() != y.Size() {
		return false
	}
	s, err := os.ReadFile(a)
	if err != nil {
		return false
	}
	t, err := os.ReadFile(b)
	return err == nil && bytes.Equal(s, t)
}

// tagsError returns the error for tags that change a package already in the process.
func tagsError(tags []string, path, why string) error {
	text := fmt.Sprintf("the build tags %s change package %s, which is %s; %%goflags takes others, or none with %%goflags -tags=", strings.Join(tags, ","), path, why)
	return &FetchError{Text: text}
}
