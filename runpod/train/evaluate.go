package train

import (
	"context"
	"fmt"
	"math"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/transfer"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// An Evaluation says how well a model does on data. Figures that do not apply are NaN or
// nil: classes have Accuracy, PerClass and Confusion; several labels per sample have
// Accuracy, ExactMatch and PerClass; numbers have MAE, RMSE and R2.
type Evaluation struct {
	Loss     float64
	Accuracy float64 // 0 to 1; with several labels per sample, the share of right labels
	// ExactMatch is the share of samples whose labels are all right.
	ExactMatch float64
	Samples    int
	// PerClass has a row per class, or per label.
	PerClass []worker.ClassMetrics
	// Confusion counts samples by true class (row) and predicted class (column).
	Confusion     [][]int
	MAE, RMSE, R2 float64
	// ClassNames are the names of the classes, nil if they are numbers.
	ClassNames []string
	// Metrics are the same figures as the worker sent them.
	Metrics worker.Metrics
}

// String returns the main figures in one line.
func (e *Evaluation) String() string {
	s := fmt.Sprintf("loss %.4f", e.Loss)
	switch {
	case !math.IsNaN(e.ExactMatch):
		s += fmt.Sprintf(", right labels %.2f %%, exact match %.2f %%", 100*e.Accuracy, 100*e.ExactMatch)
	case !math.IsNaN(e.Accuracy):
		s += fmt.Sprintf(", accuracy %.2f %%", 100*e.Accuracy)
	}
	if !math.IsNaN(e.RMSE) {
		s += fmt.Sprintf(", RMSE %.4f", e.RMSE)
	}
	return s + fmt.Sprintf(" on %d samples", e.Samples)
}

// Evaluate measures the model on data that it was not trained on.
func (m *Model) Evaluate(X, y any) (*Evaluation, error) {
	return m.EvaluateContext(context.Background(), Data{X: X, Y: y})
}

// EvaluateContext is Evaluate with a context, and with names for errors in d.
func (m *Model) EvaluateContext(ctx context.Context, d Data) (*Evaluation, error) {
	p, err := m.evaluation(d)
	if err != nil {
		return nil, err
	}
	response, _, err := m.ask(ctx, p, false)
	if err != nil {
		return nil, err
	}
	if response.Metrics == nil {
		return nil, fmt.Errorf("train: evaluate: %w: no metrics in it", ErrResult)
	}
	return m.evaluated(*response.Metrics), nil
}

func (m *Model) evaluated(metrics worker.Metrics) *Evaluation {
	e := newEvaluation(metrics)
	e.ClassNames = m.ClassNames
	return e
}

// evaluation returns the request of an evaluation with its data.
func (m *Model) evaluation(d Data) (*transfer.Parcel, error) {
	if err := d.sameColumns(m.Columns); err != nil {
		return nil, err
	}
	xname, yname := d.names()
	r, x, err := m.request(worker.OpEvaluate, xname, d.X)
	if err != nil {
		return nil, err
	}
	loss := m.Hyperparameters.LossFunction
	_, output, err := resolve(m.Spec, x.Shape[1:])
	if err != nil {
		return nil, err
	}
	classes, _, err := numberClasses(yname, d.Y, m.ClassNames, loss)
	if err != nil {
		return nil, err
	}
	y, err := labels(yname, classes, loss, ownLoss(m.Spec), xname, x.Rows(), output)
	if err != nil {
		return nil, err
	}
	r.EvaluationData = dataset("X", "y")
	// Measure the loss that the model was trained with, so that on the validation data it
	// equals the history's val_loss. Leave out hyperparameters that the loss does not use:
	// a model of an earlier version may have some.
	h := m.Hyperparameters.Pick(m.Hyperparameters.Used(contract.UsedBy(string(worker.OpEvaluate))...)...)
	h.Precision = ""
	if r.Hyperparameters != nil {
		h.Precision = r.Hyperparameters.Precision
	}
	r.Hyperparameters = h
	return &transfer.Parcel{Request: r, Set: tensors.Set{"X": x, "y": y}, Names: map[string]string{"X": xname, "y": yname}, Shared: d.shared}, nil
}

// LabelTensor returns the labels of d as numbers. Text labels become class numbers.
func (m *Model) LabelTensor(d Data) (tensors.Tensor, error) {
	_, yname := d.names()
	y, _, err := numberClasses(yname, d.Y, m.ClassNames, m.Hyperparameters.LossFunction)
	if err != nil {
		return tensors.Tensor{}, err
	}
	return array(yname, y)
}

func newEvaluation(m worker.Metrics) *Evaluation {
	return &Evaluation{
		Loss: float64(m.Loss), Accuracy: value(m.Accuracy), ExactMatch: value(m.ExactMatch), Samples: m.SamplesProcessed,
		PerClass: m.PerClass, Confusion: m.Confusion,
		MAE: value(m.MAE), RMSE: value(m.RMSE), R2: value(m.R2), Metrics: m,
	}
}

// GPUInfo asks a worker of the endpoint for its device and a measure of its speed:
// Response.GPUInfo and BenchmarkResults. It runs as a job and is billed like one.
func GPUInfo(ctx context.Context, e *runpod.Endpoint) (*worker.Response, error) {
	r := &worker.Request{Operation: worker.OpGPUInfo, Protocol: worker.Protocol, RunID: NewRunID()}
	ctx, charge, err := budget.Begin(ctx, e, budget.Job{Kind: string(r.Operation)})
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	defer charge.End(ctx)
	output, err := transfer.Call(ctx, e, r, charge.Policy(runpod.Policy{}))
	if err != nil {
		return nil, err
	}
	var response worker.Response
	if err := transfer.Decode(output, &response); err != nil {
		return nil, fmt.Errorf("train: gpu info: %w: %w", ErrResult, err)
	}
	return &response, nil
}
