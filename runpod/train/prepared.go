package train

import (
	"fmt"
	"slices"
	"sync"

	"github.com/gopherpod/gopherpod/runpod/transfer"
	"github.com/gopherpod/gopherpod/tensors"
)

// PrepareData returns data that can be used many times at the cost of once: each array is
// read, checked, converted and hashed when it is first needed, and sent once even by
// trainings that run at the same time. The result can be used wherever Data is used: in
// Fit, Batch, Options.Validation and Evaluate, and its X in Predict. The arrays must not
// change while it is used.
func PrepareData(d Data) Data {
	if d.shared == nil {
		d.shared = new(transfer.Shared)
	}
	d.X, d.Y = prepare(d.X), prepare(d.Y)
	return d
}

// A prepared array remembers the conversions of its value.
type prepared struct {
	value any

	mu   sync.Mutex
	made map[string]made
}

// A made is the outcome of one conversion: an array, or class numbers and the names of the
// classes.
type made struct {
	array   tensors.Tensor
	classes any
	names   []string
	err     error
}

func prepare(v any) any {
	if p, ok := v.(*prepared); ok {
		return p
	}
	return &prepared{value: v, made: map[string]made{}}
}

// once returns the outcome for the key. It calls make the first time only. The key has to
// include the array's name, because errors do.
func (p *prepared) once(key string, make func(v any) made) made {
	p.mu.Lock()
	defer p.mu.Unlock()
	m, ok := p.made[key]
	if !ok {
		m = make(p.value)
		p.made[key] = m
	}
	return m
}

// tensorOf returns make(v). For a prepared array, it calls make only once for each key.
func tensorOf(v any, key string, make func(v any) (tensors.Tensor, error)) (tensors.Tensor, error) {
	p, ok := v.(*prepared)
	if !ok {
		return make(v)
	}
	m := p.once(key, func(v any) (m made) {
		m.array, m.err = make(v)
		return m
	})
	return m.array, m.err
}

// numberClasses is numberTexts, which it calls only once for prepared labels.
func numberClasses(name string, y any, known []string, loss string) (any, []string, error) {
	p, ok := y.(*prepared)
	if !ok {
		return numberTexts(name, y, known, loss)
	}
	m := p.once(fmt.Sprintf("classes %q %q %v", name, loss, known), func(v any) (m made) {
		m.classes, m.names, m.err = numberTexts(name, v, known, loss)
		if _, texts := textsOf(v); texts && m.err == nil {
			m.classes = prepare(m.classes)
		} else if m.err == nil {
			m.classes = p // numbers already
		}
		return m
	})
	return m.classes, slices.Clip(m.names), m.err
}
