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
// trainings that run at the same time. The result goes wherever data go: Fit, Batch,
// Options.Validation, Evaluate, and its X into Predict. The arrays must not change while
// it is used.
func PrepareData(d Data) Data {
	if d.shared == nil {
		d.shared = new(transfer.Shared)
	}
	d.X, d.Y = prepare(d.X), prepare(d.Y)
	return d
}

// A prepared array remembers what was made of its value.
type prepared struct {
	value any

	mu   sync.Mutex
	made map[string]made
}

// made is one outcome: an array, or names of classes with their numbers.
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

// once makes what the key says, unless that is done. Errors name the array, so its name
// belongs into the key.
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

// tensorOf is make, or what it made before of a prepared array.
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

// numberClasses turns labels that are texts into numbers; see numberTexts.
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
