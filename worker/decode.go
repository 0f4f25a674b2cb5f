package worker

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gopherpod/gopherpod/tensors/bigjson"
)

// Operations lists the operations of the contract.
func Operations() []Operation {
	return []Operation{OpTrain, OpTrainEpoch, OpEvaluate, OpPredict, OpGPUInfo, OpBatch, OpStore, OpCapabilities, OpCollect}
}

// uses says which fields an operation takes besides operation, protocol and
// run_id, and which of them it needs ("!"); ok is false for an unknown one.
func uses(op Operation) (fields []string, ok bool) {
	switch op {
	case OpTrain:
		return []string{"!model_config", "hyperparameters", "!training_data", "validation_data", "tensors", "model_state", "optimizer_state", "start_epoch", "state_delta", "sources", "upload"}, true
	case OpTrainEpoch:
		return []string{"!model_config", "hyperparameters", "!training_data", "tensors", "model_state", "optimizer_state", "start_epoch", "state_delta", "sources"}, true
	case OpEvaluate:
		return []string{"!model_config", "hyperparameters", "!evaluation_data", "tensors", "!model_state", "sources"}, true
	case OpPredict:
		return []string{"!model_config", "hyperparameters", "!input_data", "tensors", "!model_state", "sources", "upload"}, true
	case OpBatch:
		return []string{"!requests", "tensors", "sources"}, true
	case OpStore:
		return []string{"tensors", "have", "join"}, true
	case OpGPUInfo, OpCapabilities, OpCollect:
		return nil, true
	}
	return nil, false
}

// DecodeRequest reads a job's input and checks all that can be checked without
// the data: the operation, the protocol, which fields stand there, the
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
	if err := r.Validate(); err != nil {
		return nil, err
	}
	return r, nil
}

// Validate checks a request that Go code made, as DecodeRequest does.
func (r *Request) Validate() error {
	fields, ok := uses(r.Operation)
	if !ok {
		var known []string
		for _, o := range Operations() {
			known = append(known, string(o))
		}
		if r.Operation == "" {
			return Invalid("operation", "is missing"+didYouMean("", known))
		}
		return Invalid("operation", fmt.Sprintf("unknown operation %q%s", clip(string(r.Operation)), didYouMean(string(r.Operation), known)))
	}
	if r.Protocol != 0 && r.Protocol != Protocol {
		return Invalid("protocol", fmt.Sprintf("unknown protocol %d; known: 0 (none, plain JSON) and %d", r.Protocol, Protocol))
	}
	present := r.present()
	for _, f := range fields {
		if f[0] == '!' && !slices.Contains(present, f[1:]) {
			return Invalid(f[1:], fmt.Sprintf("is missing; %s needs it", r.Operation))
		}
	}
	for _, f := range present {
		if !slices.Contains(fields, f) && !slices.Contains(fields, "!"+f) {
			return Invalid(f, fmt.Sprintf("is of no use to %s", r.Operation))
		}
	}
	if r.Operation == OpCollect && r.RunID == "" {
		return Invalid("run_id", "is missing; collect needs it")
	}
	if r.StartEpoch < 0 || r.StartEpoch > 1e9 {
		return Invalid("start_epoch", fmt.Sprintf("is %d, wants 0 or more", r.StartEpoch))
	}
	if h := r.Hyperparameters; h != nil && h.ValidationSplit > 0 && r.ValidationData != nil {
		return Invalid("hyperparameters.validation_split", "stands beside validation_data; give one")
	}
	for _, d := range []struct {
		name string
		set  *Dataset
	}{{"training_data", r.TrainingData}, {"validation_data", r.ValidationData}, {"evaluation_data", r.EvaluationData}} {
		if d.set != nil && d.set.Labels.IsZero() {
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
	return at("hyperparameters", r.Hyperparameters.Validate())
}

// present names the fields that are set.
func (r *Request) present() []string {
	var p []string
	add := func(name string, set bool) {
		if set {
			p = append(p, name)
		}
	}
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
