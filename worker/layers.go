package worker

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/gopherpod/gopherpod/worker/contract"
)

// A Kind is a layer type: its row in package contract, and the rules that a row cannot
// hold. Parameters have the names and defaults of the PyTorch module, unless the row says
// otherwise.
type Kind struct {
	contract.Layer
	rule
}

// A rule is the behavior of a layer type.
type rule struct {
	// shape infers sizes: in and out are without the batch dimension; nil is a
	// shape that is not known.
	shape func(a *args, in []int) (out []int, err error)
	// state lists parameters and buffers in PyTorch's order; nil: none.
	state func(a *args) []StateTensor
}

// Kinds lists all layer types of the contract, by theme.
func Kinds() []Kind {
	rules := rules()
	rows := contract.Layers()
	kinds := make([]Kind, len(rows))
	for i, row := range rows {
		kinds[i] = Kind{row, rules[row.Name]}
	}
	return kinds
}

// rules lists the rules by the layer's name. A test keeps them and the rows complete.
func rules() map[string]rule {
	all := map[string]rule{}
	for _, theme := range []map[string]rule{
		linearRules(), convRules(), poolRules(), normRules(), activationRules(), sequenceRules(), shapeRules(),
	} {
		maps.Copy(all, theme)
	}
	return all
}

// kindByName is made once and never changed.
var kindByName = sync.OnceValue(func() map[string]*Kind {
	m := map[string]*Kind{}
	for _, k := range Kinds() {
		m[k.Name] = &k
	}
	return m
})

// LookupKind returns the layer type called name.
func LookupKind(name string) (*Kind, bool) {
	k, ok := kindByName()[name]
	return k, ok
}

// container reports whether the type holds layers.
func (k *Kind) container() bool {
	return slices.ContainsFunc(k.Params, func(p contract.Parameter) bool { return holdsLayers(p) })
}

func holdsLayers(p contract.Parameter) bool {
	return p.Type == contract.LayerList || p.Type == contract.LayerLists
}

// check refuses a value of the right type that is outside the parameter's range, or not
// one of its words. The field of the error is relative: "" or "[1]".
func (k *Kind) check(p *contract.Parameter, v any) error {
	switch v := v.(type) {
	case int:
		if !p.Range.ContainsInt(int64(v)) {
			return Invalid("", fmt.Sprintf("is %d, wants %s", v, p.Range))
		}
	case float64:
		return inRange("", v, *p.Range)
	case []int:
		return k.checkList(p, v)
	case string:
		if !slices.Contains(p.Values, v) {
			return Invalid("", fmt.Sprintf("unknown value %q%s", clip(v), didYouMean(v, p.Values)))
		}
	}
	return nil
}

func (k *Kind) checkList(p *contract.Parameter, list []int) error {
	if n, most := len(list), contract.Bounds().Numbers; k.Dims > 0 && n != 1 && n != k.Dims {
		return Invalid("", fmt.Sprintf("has %d numbers, wants 1 or %d", n, k.Dims))
	} else if n < 1 || n > most {
		return Invalid("", fmt.Sprintf("has %d numbers, wants 1 to %d", n, most))
	}
	for i, n := range list {
		if !p.Range.ContainsInt(int64(n)) {
			return Invalid("["+strconv.Itoa(i)+"]", fmt.Sprintf("is %d, wants %s", n, p.Range))
		}
	}
	return nil
}
