package magics

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/runpod/sweep"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// A way is one of the ways in which a person can set hyperparameters. It takes them by
// the names of the contract's rows, and returns those of the request.
type way struct {
	name string
	can  func(row contract.Hyperparameter) bool
	give func(t *testing.T, given map[string]any, row contract.Hyperparameter, value any) (*worker.Hyperparameters, error)
}

// flat turns nested objects into names of rows and their values.
func flat(given map[string]any) map[string]any {
	all := map[string]any{}
	for name, v := range given {
		if object, ok := v.(map[string]any); ok {
			for inner, v := range object {
				all[name+"."+inner] = v
			}
			continue
		}
		all[name] = v
	}
	return all
}

// typed returns a value as people write it.
func typed(v any) string {
	if list, ok := v.([]float64); ok {
		return strings.ReplaceAll(strings.Trim(fmt.Sprint(list), "[]"), " ", ",")
	}
	return fmt.Sprint(v)
}

// onLine writes values as options of a line.
func onLine(values map[string]any) []string {
	var words []string
	objects := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		row, _ := contract.LookupHyperparameter(name)
		outer, inner, _ := strings.Cut(name, ".")
		switch text := typed(values[name]); {
		case row.Option == "":
			words = append(words, "--set", name+"="+text)
		case row.Required:
			objects[row.Option] = append([]string{text}, objects[row.Option]...)
		case outer == "scheduler" || outer == "early_stopping":
			objects[row.Option] = append(objects[row.Option], inner+"="+text)
		default:
			words = append(words, "--"+row.Option+"="+text)
		}
	}
	for option, parts := range objects {
		words = append(words, "--"+option, strings.Join(parts, ","))
	}
	return words
}

// complete returns the hyperparameters of the request that the options make.
func complete(o train.Options) (*worker.Hyperparameters, error) {
	if o.Seed == nil && (o.Hyperparameters == nil || o.Hyperparameters.Seed == nil) {
		o.Seed = train.Seed(1)
	}
	return o.Complete()
}

// optionField sets the field of train.Options for a row. It returns false if there
// is none.
func optionField(o *train.Options, name string, value any) bool {
	outer, inner, deep := strings.Cut(name, ".")
	if name == "shuffle" {
		o.KeepOrder = value == false
		return true
	}
	wanted := strings.ReplaceAll(outer, "_", "")
	if name == "loss_function" {
		wanted = "loss"
	}
	f := reflect.ValueOf(o).Elem().FieldByNameFunc(func(s string) bool { return strings.EqualFold(s, wanted) })
	if !f.IsValid() {
		return false
	}
	if deep {
		if f.IsNil() {
			f.Set(reflect.New(f.Type().Elem()))
		}
		b, _ := json.Marshal(map[string]any{inner: value})
		return json.Unmarshal(b, f.Interface()) == nil
	}
	v := reflect.ValueOf(value)
	switch {
	case name == "seed":
		o.Seed = train.Seed(int64(value.(int)))
	case v.CanConvert(f.Type()):
		f.Set(v.Convert(f.Type()))
	default:
		return false
	}
	return true
}

var ways = []way{
	{"a line", func(contract.Hyperparameter) bool { return true }, func(t *testing.T, given map[string]any, row contract.Hyperparameter, value any) (*worker.Hyperparameters, error) {
		values := flat(given)
		if value != nil {
			values[row.Name] = value
		}
		var o trainOptions
		fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
		fs.SetNormalizeFunc(commonName)
		defineTrain(fs, &o)
		if _, err := parse(fs, "x", onLine(values)); err != nil {
			return nil, err
		}
		opts, err := o.hyperparameters()
		if err != nil {
			return nil, err
		}
		return complete(opts)
	}},
	{"Options.Hyperparameters", func(contract.Hyperparameter) bool { return true }, func(t *testing.T, given map[string]any, row contract.Hyperparameter, value any) (*worker.Hyperparameters, error) {
		h := &worker.Hyperparameters{}
		values := flat(given)
		if value != nil {
			values[row.Name] = value
		}
		for name, v := range values {
			if err := h.Give(name, v); err != nil {
				return nil, err
			}
		}
		return complete(train.Options{Hyperparameters: h})
	}},
	{"a field of Options", func(row contract.Hyperparameter) bool {
		return optionField(new(train.Options), row.Name, row.Unusual())
	}, func(t *testing.T, given map[string]any, row contract.Hyperparameter, value any) (*worker.Hyperparameters, error) {
		o := train.Options{Hyperparameters: &worker.Hyperparameters{}}
		for name, v := range flat(given) {
			if !optionField(&o, name, v) {
				t.Fatalf("no field for %s", name)
			}
		}
		if value != nil {
			optionField(&o, row.Name, value)
		}
		return complete(o)
	}},
	{"a sweep", func(row contract.Hyperparameter) bool { return row.Varies }, func(t *testing.T, given map[string]any, row contract.Hyperparameter, value any) (*worker.Hyperparameters, error) {
		var o train.Options
		for name, v := range flat(given) {
			optionField(&o, name, v)
		}
		o.Seed = train.Seed(1)
		data := train.Data{X: mat.NewDense(8, 2, []float64{1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1}), Y: []int{0, 1, 0, 1, 0, 1, 0, 1}}
		if !worker.ClassLabels(o.Loss) && o.Loss != "" {
			data.Y = data.X
		}
		text := "unused=[1]"
		if value != nil {
			text = fmt.Sprintf("%s=[%s]", row.Name, typed(value))
		}
		d, err := sweep.ParseDimension(text)
		if err != nil {
			return nil, err
		}
		p, err := sweep.Prepare("linear 2 # $unused", data, o, []sweep.Dimension{d}, sweep.Options{Method: sweep.MethodGrid})
		if err != nil {
			return nil, err
		}
		return &p.Plans[0].Hyperparameters, nil
	}},
}

// besides are other values that a row's value requires.
var besides = map[string]map[string]any{"nesterov": {"momentum": 0.9}}

// TestGivenChangesTheRequest: each row of the contract, set in each way that allows it, is
// in the request with its value.
func TestGivenChangesTheRequest(t *testing.T) {
	used := map[string]int{}
	for _, row := range contract.Hyperparameters() {
		for _, w := range ways {
			if !w.can(row) {
				continue
			}
			used[w.name]++
			given := row.Fitting()
			maps.Copy(given, besides[row.Name])
			value := row.Unusual()
			before, err := w.give(t, given, row, nil)
			if err != nil && !row.Required {
				t.Errorf("%s, %s: without it %v", row.Name, w.name, err)
			}
			after, err := w.give(t, given, row, value)
			if err != nil {
				t.Errorf("%s, %s: %v", row.Name, w.name, err)
				continue
			}
			a, b := text(t, before), text(t, after)
			if a == b || !after.Has(row.Name) || text(t, after.Pick(row.Name)) != text(t, mustGive(t, row.Name, value)) {
				t.Errorf("%s, %s: %v leaves the request %s", row.Name, w.name, value, b)
			}
		}
		if row.Option != "" && !ways[2].can(row) {
			t.Errorf("--%s has no field in train.Options for %s", row.Option, row.Name)
		}
	}
	for _, w := range ways {
		if used[w.name] < 10 {
			t.Errorf("%s: %d rows only", w.name, used[w.name])
		}
	}
}

// TestNotApplicableIsRefused: each row, set in each way that allows it, is refused with
// each optimizer, loss and scheduler that does not use it, and the error names these.
func TestNotApplicableIsRefused(t *testing.T) {
	pairs := 0
	for _, row := range contract.Hyperparameters() {
		for _, u := range row.Unfitting() {
			for _, w := range ways {
				if !w.can(row) {
					continue
				}
				pairs++
				given := maps.Clone(u.Given)
				maps.Copy(given, besides[row.Name])
				h, err := w.give(t, given, row, row.Unusual())
				want := contract.NotUsed(u.By, u.Users)
				if row.Name == "nesterov" && err != nil && strings.Contains(err.Error(), "momentum") {
					continue // refused because of what it requires
				}
				if row.InLoss && w.name == "a sweep" && err != nil && strings.Contains(err.Error(), "has no accuracy") {
					continue // the trials could not be compared anyway
				}
				var refused *worker.Error
				if err == nil || !errors.As(err, &refused) || !strings.Contains(refused.Message, want) {
					t.Errorf("%s with %s, %s: %v, %v; want %s", row.Name, u.By, w.name, h, err, want)
				}
			}
		}
	}
	if pairs < 200 {
		t.Errorf("%d pairs only", pairs)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func mustGive(t *testing.T, name string, value any) *worker.Hyperparameters {
	t.Helper()
	h := &worker.Hyperparameters{}
	if err := h.Give(name, value); err != nil {
		t.Fatal(err)
	}
	return h
}
