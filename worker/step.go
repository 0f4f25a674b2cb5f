package worker

import "slices"

// Int returns the layer's parameter called name, or its default; 0 if it has none.
func (s Step) Int(name string) int {
	n, _ := s.Value(name).(int)
	return n
}

// Float is Int for numbers with a fraction.
func (s Step) Float(name string) float64 {
	f, _ := s.Value(name).(float64)
	return f
}

// Bool is Int for switches.
func (s Step) Bool(name string) bool {
	b, _ := s.Value(name).(bool)
	return b
}

// Text is Int for words, also for a word that may be given instead of numbers ("same").
func (s Step) Text(name string) string {
	t, _ := s.Value(name).(string)
	return t
}

// Ints is Int for lists of dims numbers; one number stands for all of them. It is nil
// if the parameter is absent or a word.
func (s Step) Ints(name string, dims int) []int {
	switch v := s.Value(name).(type) {
	case int:
		return slices.Repeat([]int{v}, dims)
	case []int:
		if len(v) == 1 {
			return slices.Repeat(v, dims)
		}
		return slices.Clone(v)
	}
	return nil
}

// Value returns the layer's parameter called name, or its default; nil if it has none.
func (s Step) Value(name string) any {
	if v, ok := s.Layer.Params[name]; ok {
		return v
	}
	if p, ok := s.Kind.Param(name); ok {
		return p.Default
	}
	return nil
}

// Axis turns the parameter dim, where 0 is the batch and negative numbers count from
// the end, into an index of a sample's shape.
func (s Step) Axis(shape []int) int {
	if d := s.Int("dim"); d > 0 {
		return d - 1
	} else {
		return len(shape) + d
	}
}
