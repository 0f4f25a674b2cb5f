package worker

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/gopherpod/gopherpod/tensors/bigjson"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// Operations lists the operations of the contract.
func Operations() []Operation {
	var all []Operation
	for _, row := range contract.Operations() {
		all = append(all, Operation(row.Name))
	}
	return all
}

// DecodeRequest reads a job's input and checks all that can be checked without
// the data: the operation, the protocol, which fields are there, the
// hyperparameters, the layers and their parameters. Errors are *Error with the
// path of the field. The request shares raw's memory: raw must not change.
func DecodeRequest(raw []byte) (*Request, error) {
	r := &Request{}
	if err := bigjson.Unmarshal(raw, r); err != nil {
		var e *Error
		if !errors.As(err, &e) {
			e = Invalid("", syntax(raw, err))
		}
		return nil, e
	}
	r.fillOld()
	if err := r.Validate(); err != nil {
		return nil, err
	}
	return r, nil
}

// Validate checks a request that Go code made, as DecodeRequest does.
func (r *Request) Validate() error {
	known := Operations()
	i := slices.Index(known, r.Operation)
	if i < 0 {
		var names []string
		for _, o := range known {
			names = append(names, string(o))
		}
		if r.Operation == "" {
			return Invalid("operation", "is missing"+didYouMean("", names))
		}
		return Invalid("operation", fmt.Sprintf("unknown operation %q%s", clip(string(r.Operation)), didYouMean(string(r.Operation), names)))
	}
	row, limits := contract.Operations()[i], contract.Bounds()
	if r.Protocol != 0 && r.Protocol != Protocol {
		return Invalid("protocol", fmt.Sprintf("unknown protocol %d; known: 0 (none, plain JSON) and %d", r.Protocol, Protocol))
	}
	present := r.present()
	for _, f := range row.Needs {
		if !slices.Contains(present, f) && !r.spared(row, f) {
			return Invalid(f, fmt.Sprintf("is missing; %s needs it", r.Operation))
		}
	}
	for _, f := range present {
		if f != "run_id" && !slices.Contains(row.Needs, f) && !slices.Contains(row.Allows, f) {
			return Invalid(f, fmt.Sprintf("is not used by %s", r.Operation))
		}
	}
	if n := utf8.RuneCountInString(r.RunID); n > limits.RunID {
		return Invalid("run_id", fmt.Sprintf("has %d characters, wants at most %d", n, limits.RunID))
	}
	if r.StartEpoch < 0 || r.StartEpoch > limits.StartEpoch {
		return Invalid("start_epoch", fmt.Sprintf("is %d, wants 0 to %d", r.StartEpoch, limits.StartEpoch))
	}
	if !(r.TimeLimit >= 0 && r.TimeLimit <= float64(limits.TimeLimit)) {
		return Invalid("time_limit", fmt.Sprintf("is %v seconds, want 0 to %d", r.TimeLimit, limits.TimeLimit))
	}
	if h := r.Hyperparameters; h != nil && h.ValidationSplit > 0 && r.ValidationData != nil {
		return Invalid("hyperparameters.validation_split", "is there with validation_data; give one")
	}
	for _, d := range []struct {
		name string
		set  *Dataset
	}{{"training_data", r.TrainingData}, {"validation_data", r.ValidationData}, {"evaluation_data", r.EvaluationData}} {
		if d.set != nil && d.set.Labels.IsZero() && !r.spared(row, d.name+".labels") {
			return Invalid(d.name+".labels", "is missing")
		}
	}
	if err := at("sources", validateSources(r.Sources)); err != nil {
		return err
	}
	if r.Upload != nil {
		if err := at("upload", r.Upload.validate()); err != nil {
			return err
		}
	}
	for i, j := range r.Join {
		if err := j.validate(); err != nil {
			return at(fmt.Sprintf("join[%d]", i), err)
		}
	}
	if r.Protocol != 0 {
		if err := at("hyperparameters", r.Hyperparameters.checkOperation(r.Operation)); err != nil {
			return err
		}
	}
	return at("hyperparameters", r.Hyperparameters.validate(r.Protocol != 0))
}

// present names the fields that are set.
func (r *Request) present() []string {
	var p []string
	add := func(name string, set bool) {
		if set {
			p = append(p, name)
		}
	}
	add("run_id", r.RunID != "")
	add("tensors", r.Tensors != nil)
	add("model_config", r.Model != nil)
	add("hyperparameters", r.Hyperparameters != nil)
	add("training_data", r.TrainingData != nil)
	add("validation_data", r.ValidationData != nil)
	add("evaluation_data", r.EvaluationData != nil)
	add("input_data", r.InputData != nil)
	add("model_state", r.ModelState != "")
	add("optimizer_state", r.OptimizerState != "")
	add("start_epoch", r.StartEpoch != 0)
	add("state_delta", r.StateDelta)
	add("time_limit", r.TimeLimit != 0)
	add("sources", r.Sources != nil)
	add("upload", r.Upload != nil)
	add("requests", r.Requests != nil)
	add("have", r.Have != nil)
	add("join", r.Join != nil)
	return p
}

// UnmarshalJSON reads the fields and refuses unknown ones by name.
func (r *Request) UnmarshalJSON(raw []byte) error {
	type bare Request
	return strictStruct(raw, "the input", (*bare)(r))
}
