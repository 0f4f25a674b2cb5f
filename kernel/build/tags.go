package build

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Tags returns the build tags in the value of GOFLAGS, sorted. Other holds its other
// flags, which we cannot apply to the packages of cells, because these must be
// compatible with the packages of the session program.
func Tags(goflags string) (tags, other []string) {
	for _, word := range strings.Fields(goflags) {
		word = strings.Trim(word, `"'`)
		list, ok := strings.CutPrefix(strings.TrimPrefix(word, "-"), "-tags=")
		if !ok {
			list, ok = strings.CutPrefix(word, "-tags=")
		}
		if !ok {
			other = append(other, word)
			continue
		}
		tags = slices.DeleteFunc(strings.Split(list, ","), func(t string) bool { return t == "" }) // the last -tags wins
	}
	slices.Sort(tags)
	return slices.Compact(tags), other
}

// tags returns the build tags of the notebook.
func (m *Modules) tags() []string {
	if m.Env == nil {
		return nil
	}
	value := ""
	for _, kv := range m.Env() {
		if v, ok := strings.CutPrefix(kv, "GOFLAGS="); ok {
			value = v
		}
	}
	tags, _ := Tags(value)
	return tags
}

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
