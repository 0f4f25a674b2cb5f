package train

import (
	"cmp"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/transfer"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// A Plan is a training that is ready to be sent: it is checked, its sizes are inferred and
// its seed is drawn. Run sends it.
type Plan struct {
	RunID           string
	Model           *worker.ModelConfig // sizes filled in
	Hyperparameters worker.Hyperparameters
	Samples         int   // training samples, before a split
	Validation      int   // samples of Options.Validation; a split is not counted
	Input, Output   []int // shapes without the batch; Output nil: not known
	Parameters      int   // number of trained parameters
	StartEpoch      int   // epochs that Options.From was trained for
	ClassNames      []string
	Columns         []string

	options Options
	policy  runpod.Policy // of the job, once it is sent
	limit   time.Duration // how long the job may run
	// unchecked says that no Python of this machine could check the syntax of the model's source.
	unchecked bool
	request   *worker.Request  // without the arrays
	parcel    *transfer.Parcel // the request with the arrays
	// attached is the record of the run if Attach follows it; then there is no request.
	attached  *Record
	observers *observers   // observers of the run, once it has begun
	cost      *budget.Bill // what the run costs, once it is over; nil: nothing, or it is not known
	bill      *Bill        // the same for the receipt, if the price is known
}

// Complete returns the hyperparameters that a training with those options has, including
// defaults and the values inherited from From.
func (o Options) Complete() (*worker.Hyperparameters, error) { return o.hyperparameters() }

// Prepare checks spec, data and options and makes the request. Nothing is sent.
// Errors are *DataError about data and *worker.Error about the model and options.
func Prepare(spec any, data Data, o Options) (*Plan, error) {
	if spec == nil && o.From != nil {
		spec = o.From
	}
	model, err := ParseSpec(spec)
	if err != nil {
		return nil, err
	}
	python, isPython := model.Python()
	if isPython {
		if o, err = o.ofPython(python, data.Y); err != nil {
			return nil, err
		}
	}
	h, err := o.hyperparameters()
	if err != nil {
		return nil, err
	}
	p := &Plan{RunID: cmp.Or(o.Resume.RunID, NewRunID()), Hyperparameters: *h, Columns: data.Columns, options: o}
	if isPython {
		checked, err := checkSyntax(python.Source)
		if err != nil {
			return nil, err
		}
		p.unchecked = !checked
	}
	set := tensors.Set{}
	xname, yname := data.names()
	if i := slices.IndexFunc(data.Columns, func(s string) bool { return !utf8.ValidString(s) }); i >= 0 {
		return nil, wrong(xname, tensors.ErrType, "has the column name %q, which is not UTF-8 and would not survive in a file; decode the names first", data.Columns[i])
	}
	x, err := features(xname, data.X, model)
	if err != nil {
		return nil, err
	}
	p.Samples, p.Input = x.Rows(), x.Shape[1:]
	if p.Model, p.Output, err = resolve(model, p.Input); err != nil {
		return nil, err
	}
	if p.Model.Other == nil {
		if p.Parameters, err = p.Model.Parameters(); err != nil {
			return nil, err
		}
	}
	if n := elements(p.Output); n > 0 && h.TopK >= n {
		return nil, worker.Invalid("top_k", fmt.Sprintf("is %d, and the model has %d outputs: the best %d always hold the right one; want fewer than %d", h.TopK, n, h.TopK, n))
	}
	var known []string
	if o.From != nil {
		known = o.From.ClassNames
		if err := data.sameColumns(o.From.Columns); err != nil {
			return nil, err
		}
		if p.Columns == nil {
			p.Columns = o.From.Columns
		}
	}
	classes, names, err := numberClasses(yname, data.Y, known, h.LossFunction)
	if err != nil {
		return nil, err
	}
	p.ClassNames = names
	if o.Validation != nil {
		held := *o.Validation
		held.XName, _ = held.validationNames()
		if err := held.sameColumns(p.Columns); err != nil {
			return nil, err
		}
	}
	y, err := labels(yname, classes, h.LossFunction, ownLoss(model), xname, x.Rows(), p.Output)
	if err != nil {
		return nil, err
	}
	set["X"], set["y"] = x, y
	p.request = &worker.Request{
		Operation: worker.OpTrain, Protocol: worker.Protocol, RunID: p.RunID,
		Model: p.Model, Hyperparameters: h, TrainingData: dataset("X", "y"),
	}
	if err := p.addValidation(set, o.Validation); err != nil {
		return nil, err
	}
	if err := p.splits(xname); err != nil {
		return nil, err
	}
	if err := p.continueFrom(o.From); err != nil {
		return nil, err
	}
	called := map[string]string{"X": xname, "y": yname}
	if o.Validation != nil {
		called["Xval"], called["yval"] = o.Validation.validationNames()
	}
	p.parcel = &transfer.Parcel{Request: p.request, Set: set, Names: called, Shared: data.shared}
	if o.From != nil {
		p.parcel.Deltas = o.From.deltas
	}
	if set.Bytes() <= transfer.DefaultInline { // larger data is hashed while it is sent
		digests(p.parcel)
	}
	return p, nil
}

func dataset(x, y string) *worker.Dataset {
	return &worker.Dataset{Features: worker.Value{Tensor: x}, Labels: worker.Value{Tensor: y}}
}

func (p *Plan) addValidation(set tensors.Set, v *Data) error {
	if v == nil {
		return nil
	}
	named := *v
	named.XName, named.YName = v.validationNames()
	x, err := features(named.XName, v.X, p.Model)
	if err != nil {
		return err
	}
	if !slices.Equal(x.Shape[1:], p.Input) {
		return wrong(named.XName, tensors.ErrShape, "has %s a row and the training data %s", numbers(x.Shape[1:]), numbers(p.Input))
	}
	classes, _, err := numberClasses(named.YName, v.Y, p.ClassNames, p.Hyperparameters.LossFunction)
	if err != nil {
		return err
	}
	y, err := labels(named.YName, classes, p.Hyperparameters.LossFunction, ownLoss(p.Model), named.XName, x.Rows(), p.Output)
	if err != nil {
		return err
	}
	p.Validation = x.Rows()
	set["Xval"], set["yval"] = x, y
	p.request.ValidationData = dataset("Xval", "yval")
	return nil
}

// splits returns an error for a validation split that leaves one of the two sides without
// samples, and for batches that are too small for a layer.
func (p *Plan) splits(xname string) error {
	s := p.Hyperparameters.ValidationSplit
	if s > 0 && p.Samples < 2 {
		return wrong(xname, tensors.ErrShape, "has %d row; a validation split wants at least 2", p.Samples)
	}
	if p.Model.Other != nil {
		return nil
	}
	steps, _, err := p.Model.Steps(p.Input)
	if err != nil {
		return err
	}
	return p.Hyperparameters.CheckBatches(steps, p.Samples-p.Hyperparameters.Held(p.Samples))
}

func (p *Plan) continueFrom(m *Model) error {
	if m == nil {
		return nil
	}
	if m.state == "" {
		return fmt.Errorf("train: from %s: %w", m.RunID, ErrNoWeights)
	}
	if !sameLayers(m.Spec, p.Model) {
		return worker.Invalid("model", "has other layers than the model to continue from; leave the layers out, or train without that model")
	}
	p.StartEpoch = m.Epochs
	p.request.ModelState, p.request.StartEpoch = m.state, m.Epochs
	if p.Hyperparameters.Optimizer == m.Hyperparameters.Optimizer {
		p.request.OptimizerState = m.optimizerState
	}
	return nil
}

// sameLayers reports whether the weights of a fit b. The worker decides that for models in
// Python, whose source may change without a change of the weights.
func sameLayers(a, b *worker.ModelConfig) bool {
	_, pa := a.Python()
	_, pb := b.Python()
	if pa && pb {
		return true
	}
	return a != nil && b != nil && text(a) == text(b)
}

// Bytes returns about how many bytes have to be sent for the plan if the endpoint has none of
// its arrays, before compression.
func (p *Plan) Bytes() int { return transfer.Size(p.request) + p.parcel.Set.Bytes() }

// Epochs returns the number of the last epoch, including the epochs of Options.From.
func (p *Plan) Epochs() int { return p.StartEpoch + p.Hyperparameters.Epochs }

// Seed returns the seed of the run, drawn or given.
func (p *Plan) Seed() int64 { return *p.Hyperparameters.Seed }
