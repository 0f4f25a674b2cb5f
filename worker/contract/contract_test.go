package contract_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	. "github.com/gopherpod/gopherpod/worker/contract"
)

// TestGenerated fails if a table has changed and "go generate ./worker/contract" has not
// run since.
func TestGenerated(t *testing.T) {
	for name, text := range Generated() {
		want, err := text()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale (%v): run go generate ./worker/contract", name, err)
		}
	}
}

func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, h := range Hyperparameters() {
		if seen[h.Name] {
			t.Errorf("%s has two rows", h.Name)
		}
		seen[h.Name] = true
		if h.Doc == "" || len(h.Workers) == 0 || len(h.Operations) == 0 {
			t.Errorf("%s lacks documentation, workers or operations", h.Name)
		}
		if !strings.Contains(strings.ToLower(h.Doc), h.Arg) || (h.Arg != "") != (h.Option != "" && h.Type != Boolean && !strings.Contains(h.Name, ".") || h.Required) {
			t.Errorf("%s: help of --%s needs an Arg that is in Doc, got %q", h.Name, h.Option, h.Arg)
		}
		if h.Default == nil && h.Absent == "" {
			t.Errorf("%s has no default and does not say what happens without a value", h.Name)
		}
		if (h.Type == Choice) != (h.Values != nil) || (h.Type == Boolean || h.Type == Choice) == (h.Range != nil) {
			t.Errorf("%s: range or values do not go with the type %s", h.Name, h.Type)
		}
		for _, o := range h.Optimizers {
			if !slices.Contains(OptimizerNames(), o) {
				t.Errorf("%s applies to an unknown optimizer %s", h.Name, o)
			}
		}
	}
}

func TestLayers(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range Layers() {
		if seen[l.Name] {
			t.Errorf("%s has two rows", l.Name)
		}
		seen[l.Name] = true
		if l.Doc == "" || len(l.Workers) == 0 {
			t.Errorf("%s lacks documentation or workers", l.Name)
		}
		for _, name := range l.Positional {
			if !slices.Contains(l.ParamNames(), name) {
				t.Errorf("%s: the positional %s is not a parameter", l.Name, name)
			}
		}
		keys := map[string]bool{}
		for _, p := range l.Params {
			if keys[p.Name] || keys[p.Alias] {
				t.Errorf("%s: %s or its alias %q is there twice", l.Name, p.Name, p.Alias)
			}
			if keys[p.Name] = true; p.Alias != "" {
				keys[p.Alias] = true
			}
			if p.Doc == "" {
				t.Errorf("%s.%s lacks documentation", l.Name, p.Name)
			}
			if ranged := p.Type == Integer || p.Type == Integers || p.Type == Number; ranged != (p.Range != nil) || (p.Type == Choice) && p.Values == nil {
				t.Errorf("%s.%s: range or values do not go with the type %s", l.Name, p.Name, p.Type)
			}
			if p.Default != nil && (p.Required || p.Inferable()) {
				t.Errorf("%s.%s has a default and does not need it", l.Name, p.Name)
			}
		}
	}
}
