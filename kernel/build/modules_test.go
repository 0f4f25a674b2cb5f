package build

import (
	"maps"
	"slices"
	"testing"

	"golang.org/x/mod/modfile"
)

// What a module of the host asks for counts only if cells import packages of it that the host
// does not hold: golang.org/x/tools/go/packages needs golang.org/x/mod, which it could not get.
func TestAskedFor(t *testing.T) {
	f, err := modfile.Parse("go.mod", []byte("module ours\n\nrequire (\n\texample.com/tools v1.0.0\n\texample.com/other v1.0.0\n\texample.com/chosen v1.0.0\n)\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	g := graphOf("ours example.com/tools@v1.0.0\nours example.com/other@v1.0.0\nexample.com/tools@v1.0.0 example.com/mod@v1.0.0\n" +
		"example.com/other@v1.0.0 example.com/mod@v1.1.0\nexample.com/chosen@v1.0.0 example.com/dep@v1.0.0\nexample.com/dep@v1.0.0 example.com/other@v0.9.0\n")
	held := map[string]string{"example.com/tools": "v1.0.0", "example.com/other": "v1.0.0"}
	ours := map[string]bool{"example.com/tools": true, "example.com/other": true}
	for _, c := range []struct {
		beyond map[string]bool
		want   []string
	}{
		{nil, []string{"example.com/chosen@v1.0.0", "example.com/dep@v1.0.0"}},
		{map[string]bool{"example.com/tools": true}, []string{"example.com/chosen@v1.0.0", "example.com/dep@v1.0.0", "example.com/mod@v1.0.0", "example.com/tools@v1.0.0"}},
	} {
		m := &Modules{held: held, ours: ours, beyond: c.beyond, chosen: map[string]bool{"example.com/chosen": true}}
		if got := slices.Sorted(maps.Keys(m.askedFor(g, f))); !slices.Equal(got, c.want) {
			t.Errorf("beyond %v: got %q, want %q", c.beyond, got, c.want)
		}
	}
}
