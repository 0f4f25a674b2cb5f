package sweep

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// A Dimension is one hyperparameter that a sweep varies: an option of the training (see
// DimensionNames), or a $name in the text of the model.
type Dimension struct {
	Name string
	// Choices are the values, of type int, float64 or string. If it is nil, the
	// values are those from Low to High.
	Choices   []any
	Low, High float64
	Log       bool // spread evenly by order of magnitude
	Int       bool // whole numbers
}

// ParseDimension reads the forms in which people write a dimension:
//
//	hidden=[64,128,256]      one of these
//	optimizer=[adam,sgd]
//	dropout=0..0.5           a number between
//	layers=1..4              a whole number, since both bounds are
//	lr=log(1e-5,1e-1)        a number between, by order of magnitude
func ParseDimension(text string) (Dimension, error) {
	name, spec, ok := strings.Cut(text, "=")
	spec = strings.TrimSpace(spec)
	d := Dimension{Name: strings.ReplaceAll(strings.TrimSpace(name), "-", "_")}
	if !ok || d.Name == "" || spec == "" {
		return d, badDimension(text, "wants a name and its values")
	}
	if row, ok := dimensionRow(d.Name); ok {
		d.Name = dimensionName(row)
	}
	switch {
	case strings.HasPrefix(spec, "[") && strings.HasSuffix(spec, "]"):
		for _, s := range strings.Split(spec[1:len(spec)-1], ",") {
			if s = strings.TrimSpace(s); s == "" {
				return d, badDimension(text, "has an empty choice")
			}
			d.Choices = append(d.Choices, parseChoice(s))
		}
		return d, nil
	case strings.HasPrefix(spec, "log(") && strings.HasSuffix(spec, ")"):
		low, high, _ := strings.Cut(spec[4:len(spec)-1], ",")
		d.Log = true
		return d, d.bounds(text, low, high)
	case strings.Contains(spec, ".."):
		low, high, _ := strings.Cut(spec, "..")
		return d, d.bounds(text, low, high)
	}
	d.Choices = []any{parseChoice(spec)}
	return d, nil
}

// checkWords refuses an empty word among the choices of a hyperparameter. It would mean the
// default, under an empty name. A $name in the model may be replaced with nothing.
func (d Dimension) checkWords() error {
	row, known := dimensionRow(d.Name)
	if known && row.Type == contract.Choice && slices.ContainsFunc(d.Choices, func(c any) bool { return fmt.Sprint(c) == "" }) {
		return worker.Invalid("space", fmt.Sprintf("%s has an empty choice; want names among %s", d.Name, strings.Join(row.Values, ", ")))
	}
	return nil
}

func badDimension(text, what string) error {
	return worker.Invalid("space", fmt.Sprintf("%q %s, as in lr=log(1e-4,1e-1), hidden=[32,64] or dropout=0..0.5", text, what))
}

func parseChoice(s string) any {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return f
	}
	return s
}

func (d *Dimension) bounds(text, low, high string) error {
	a, errA := strconv.ParseFloat(strings.TrimSpace(low), 64)
	b, errB := strconv.ParseFloat(strings.TrimSpace(high), 64)
	_, intA := parseChoice(strings.TrimSpace(low)).(int)
	_, intB := parseChoice(strings.TrimSpace(high)).(int)
	d.Low, d.High, d.Int = a, b, intA && intB
	switch {
	case errA != nil || errB != nil:
		return badDimension(text, "wants two numbers")
	case !(a < b) || math.IsInf(b-a, 0):
		return badDimension(text, "wants a smaller number, then a larger one")
	case d.Log && a <= 0:
		return badDimension(text, "wants numbers above 0 for log")
	}
	return nil
}

// At returns the value at u, 0 to 1.
func (d Dimension) At(u float64) any {
	u = min(max(u, 0), math.Nextafter(1, 0))
	if d.Choices != nil {
		return d.Choices[int(u*float64(len(d.Choices)))]
	}
	low, high := d.Low, d.High
	if d.Int {
		high++ // so that each whole number is equally likely
	}
	var v float64
	if d.Log {
		v = low * math.Pow(high/low, u)
	} else {
		v = low + (high-low)*u
	}
	if d.Int {
		return int(min(math.Floor(v), d.High))
	}
	digits := math.Pow(10, 3-math.Floor(math.Log10(math.Max(math.Abs(v), 1e-300))))
	if math.IsInf(digits, 0) || v == 0 {
		return v
	}
	return math.Round(v*digits) / digits // four significant digits, because people copy the values
}

// Position returns where v is between the ends of the dimension, 0 to 1.
func (d Dimension) Position(v any) float64 {
	if d.Choices != nil {
		for i, c := range d.Choices {
			if c == v && len(d.Choices) > 1 {
				return float64(i) / float64(len(d.Choices)-1)
			}
		}
		return 0.5
	}
	x := asFloat(v)
	if d.Log {
		return math.Log(x/d.Low) / math.Log(d.High/d.Low)
	}
	return (x - d.Low) / (d.High - d.Low)
}

// restore returns the dimension's value for one that was decoded from JSON.
func (d Dimension) restore(v any) (any, bool) {
	f, number := v.(float64)
	if d.Choices != nil {
		i := slices.IndexFunc(d.Choices, func(c any) bool { return c == v || number && asFloat(c) == f })
		if i < 0 {
			return nil, false
		}
		return d.Choices[i], true
	}
	if d.Int {
		return int(f), number
	}
	return f, number
}

func asFloat(v any) float64 {
	switch v := v.(type) {
	case int:
		return float64(v)
	case float64:
		return v
	}
	return math.NaN()
}

// gridLevels is how many values of a range a grid has.
const gridLevels = 4

func (d Dimension) levels() []any {
	if d.Choices != nil {
		return d.Choices
	}
	n := gridLevels
	if d.Int {
		n = min(n, int(d.High-d.Low)+1)
	}
	var all []any
	for i := range n {
		u := float64(i) / float64(max(n-1, 1))
		v := d.Low + (d.High-d.Low)*u
		if d.Log {
			v = d.Low * math.Pow(d.High/d.Low, u)
		}
		if d.Int {
			all = append(all, int(math.Round(v)))
		} else {
			all = append(all, v)
		}
	}
	return all
}

// A Point is a value for each dimension, by name.
type Point map[string]any
