package worker

import (
	"fmt"
	"slices"
	"sync"

	"github.com/gopherpod/gopherpod/worker/contract"
)

// A ParamType is the type of a layer's parameter in JSON and in Layer.Params.
type ParamType string

const (
	Int    ParamType = "int"    // int
	Float  ParamType = "float"  // float64
	Bool   ParamType = "bool"   // bool
	Ints   ParamType = "ints"   // []int, or int where one number stands for all dimensions
	Text   ParamType = "text"   // string, one of Options
	Layers ParamType = "layers" // []Layer
	Forks  ParamType = "forks"  // [][]Layer
)

// A Range bounds the numbers of a parameter.
type Range uint8

// The ranges.
const (
	AnyNumber   Range = iota
	Positive          // > 0
	NotNegative       // >= 0
	Fraction          // 0 to 1
	SizeOrRest        // -1 or more
)

// A Param is one parameter of a layer type.
type Param struct {
	Name     string
	Type     ParamType
	Default  any  // nil where Required or Inferable, or where Doc tells what absence means
	Required bool // has to be given
	// Inferable parameters follow from the layer's input; Resolve fills them in.
	Inferable bool
	Range     Range
	Most      int      // the largest number, 0 for that of all sizes
	Options   []string // Text: the values that are allowed; Ints: words that are allowed too
	Alias     string   // another key that is read, never written
	Doc       string
}

// A Kind is a layer type: what may stand beside "type", what comes out of it,
// and what its state is. Parameters have the names and defaults of the PyTorch
// module, except where Doc says otherwise.
type Kind struct {
	Name   string
	Module string // the class in torch.nn, "" where none corresponds
	Doc    string
	Params []Param
	// Positional names the parameters that may stand without a name in the line
	// form, in order: "conv2d 16 3" is out_channels=16 kernel_size=3.
	Positional []string
	// Dims is the number of dimensions behind the channels that a window or a norm
	// goes over, 0 if the type has no such number.
	Dims int

	// shape infers sizes: in and out are without the batch dimension; nil is a
	// shape that is not known.
	shape func(a *args, in []int) (out []int, err error)
	// state lists parameters and buffers in PyTorch's order; nil: none.
	state func(a *args) []StateTensor
}

// Kinds lists all layer types of the contract, by theme.
func Kinds() []Kind {
	return slices.Concat(linearKinds(), convKinds(), poolKinds(), normKinds(), activationKinds(), sequenceKinds(), shapeKinds())
}

// Rows lists the rows of all layer types, as package contract has them.
func Rows() []contract.Layer {
	var rows []contract.Layer
	for _, k := range Kinds() {
		row := contract.Layer{
			Name: k.Name, Module: k.Module, Doc: k.Doc, Dims: k.Dims, Positional: k.Positional,
			Workers: k.Workers(), Params: []contract.Parameter{},
		}
		for _, p := range k.Params {
			c := contract.Parameter{
				Name: p.Name, Type: string(p.Type), Default: p.Default, Required: p.Required,
				Inferable: p.Inferable, Words: p.Options, Alias: p.Alias, Doc: p.Doc,
			}
			if p.Type == Int || p.Type == Ints || p.Type == Float {
				r := p.bounds()
				c.Range = &r
			}
			row.Params = append(row.Params, c)
		}
		rows = append(rows, row)
	}
	return rows
}

// Workers lists the workers that support the type.
func (k *Kind) Workers() []string {
	switch k.Name {
	case "conv3d", "conv_transpose3d", "maxpool3d", "avgpool3d", "adaptive_avgpool3d", "adaptive_maxpool3d",
		"alpha_dropout", "feature_alpha_dropout":
		return []string{contract.WorkerPyTorch}
	}
	return []string{contract.WorkerEngine, contract.WorkerPyTorch}
}

// LookupKind returns the layer type called name.
func LookupKind(name string) (*Kind, bool) {
	k, ok := kindByName()[name]
	return k, ok
}

// KindNames lists the names of all layer types.
func KindNames() []string {
	var names []string
	for _, k := range Kinds() {
		names = append(names, k.Name)
	}
	return names
}

// Param returns the parameter called name, by its name or its alias.
func (k *Kind) Param(name string) (*Param, bool) {
	for i := range k.Params {
		if p := &k.Params[i]; p.Name == name || (p.Alias != "" && p.Alias == name) {
			return p, true
		}
	}
	return nil, false
}

func (k *Kind) paramNames() []string {
	var names []string
	for _, p := range k.Params {
		names = append(names, p.Name)
	}
	return names
}

// check refuses a value outside the parameter's range or options.
func (p *Param) check(v any) error {
	switch v := v.(type) {
	case int:
		return p.inRange(float64(v))
	case float64:
		return p.inRange(v)
	case []int:
		if len(v) == 0 {
			return Invalid(p.Name, "wants at least one number")
		}
		for _, n := range v {
			if err := p.inRange(float64(n)); err != nil {
				return err
			}
		}
	case string:
		if !slices.Contains(p.Options, v) {
			return Invalid(p.Name, fmt.Sprintf("unknown value %q%s", clip(v), didYouMean(v, p.Options)))
		}
	}
	return nil
}

// bounds is the range of the parameter's numbers. Sizes and counts have a bound so that
// products of a few do not overflow.
func (p *Param) bounds() contract.Range {
	size := float64(contract.Bounds().Size)
	r := contract.Range{Low: -size, High: size}
	switch p.Range {
	case Positive:
		r.Low, r.OpenLow = 0, true
		if p.Type != Float {
			r.Low, r.OpenLow = 1, false
		}
	case NotNegative:
		r.Low = 0
	case Fraction:
		r.Low, r.High = 0, 1
	case SizeOrRest:
		r.Low = -1
	}
	if p.Most > 0 {
		r.High = float64(p.Most)
	}
	return r
}

func (p *Param) inRange(v float64) error {
	r := p.bounds()
	if r.Contains(v) {
		return nil
	}
	size := float64(contract.Bounds().Size)
	want := r.String()
	switch {
	case v != v || v > size || v < -size:
		want = "a number of sensible size"
	case p.Most > 0:
	case p.Range == Positive:
		want = "more than 0"
	case p.Range == NotNegative:
		want = "0 or more"
	case p.Range == Fraction:
		want = "between 0 and 1"
	case p.Range == SizeOrRest:
		want = "-1 or more"
	}
	return Invalid(p.Name, fmt.Sprintf("is %v, wants %s", v, want))
}

// Shorthands for the tables.

func size(name, doc string) Param {
	return Param{Name: name, Type: Int, Required: true, Range: Positive, Doc: doc}
}

func inferred(name, doc string) Param {
	return Param{Name: name, Type: Int, Inferable: true, Range: Positive, Doc: doc}
}

func optInt(name string, def int, r Range, doc string) Param {
	return Param{Name: name, Type: Int, Default: def, Range: r, Doc: doc}
}

func optFloat(name string, def float64, r Range, doc string) Param {
	return Param{Name: name, Type: Float, Default: def, Range: r, Doc: doc}
}

func optBool(name string, def bool, doc string) Param {
	return Param{Name: name, Type: Bool, Default: def, Doc: doc}
}

func optText(name, doc string, options ...string) Param {
	return Param{Name: name, Type: Text, Default: options[0], Options: options, Doc: doc}
}

// kindByName is made once and never changed.
var kindByName = sync.OnceValue(func() map[string]*Kind {
	m := map[string]*Kind{}
	for _, k := range Kinds() {
		m[k.Name] = &k
	}
	return m
})
