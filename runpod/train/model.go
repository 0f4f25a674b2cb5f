package train

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/runpod/transfer"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/tensors/wording"
	"github.com/gopherpod/gopherpod/worker"
)

// A Model is a trained model, or what an interrupted training left of it.
// Its methods send the weights with the data to the endpoint and compute there.
type Model struct {
	Spec            *worker.ModelConfig // layers, sizes filled in
	Hyperparameters worker.Hyperparameters
	History         History
	Epochs          int // epochs that the weights were trained for, over all continuations; the history may have more
	// Weights says after which epoch the weights were taken, and why that one.
	Weights       worker.Weights
	Parameters    int // number of trained parameters
	Input, Output []int
	ClassNames    []string // names of the classes if the labels were texts
	Columns       []string // names of X's columns if they were given

	RunID     string
	JobID     runpod.JobID
	Device    string  // the device that was used, as reported by the worker
	Precision string  // as reported by the worker
	Seconds   float64 // the training alone, without queue and transport
	Stopped   string  // why the training ended before its last epoch; usually empty
	Receipt   Receipt // what is needed to repeat the run

	endpoint              *runpod.Endpoint
	store                 store.Store // as in Options
	inline                int
	policy                runpod.Policy     // policy of the model's jobs
	state, optimizerState string            // encoded as in requests
	deltas                map[string]string // the deltas that the states arrived as, if not too long
	features              []string          // features of the worker
}

// On makes the model's methods use the endpoint e, and returns the model.
func (m *Model) On(e *runpod.Endpoint) *Model {
	m.endpoint = e
	return m
}

// With makes the model's methods use the endpoint, the store and the inline limit of
// those options, and returns the model.
func (m *Model) With(o Options) *Model {
	m.endpoint, m.store, m.inline = o.Endpoint, o.Store, o.Inline
	return m
}

// WithPolicy returns a copy of the model whose methods send their jobs with that policy: an
// ExecutionTimeout, for example, which the endpoint's own limit replaces if it is 0.
func (m *Model) WithPolicy(p runpod.Policy) *Model {
	c := *m
	c.policy = p
	return &c
}

// target returns where the model computes.
func (m *Model) target() target {
	return target{endpoint: m.endpoint, store: m.store, inline: m.inline}
}

// DropWeights frees the weights and the optimizer's state. The history and the other fields
// stay.
func (m *Model) DropWeights() { m.state, m.optimizerState, m.deltas = "", "", nil }

// Truncate drops the epochs after the given one from the history. It drops the weights too,
// because they were trained for those epochs.
func (m *Model) Truncate(epoch int) {
	i := slices.IndexFunc(m.History.Records, func(e worker.Epoch) bool { return e.Epoch > epoch })
	if i >= 0 {
		m.History = NewHistory(m.History.Records[:i])
	}
	m.Epochs = min(m.Epochs, epoch)
	m.Weights = worker.Weights{Epoch: m.Epochs}
	m.DropWeights()
}

// Seed returns the seed of the training, with which it can be repeated.
func (m *Model) Seed() int64 {
	if m.Hyperparameters.Seed == nil {
		return 0
	}
	return *m.Hyperparameters.Seed
}

// HasWeights reports whether the model can be used. A model whose training was interrupted
// may have only a history.
func (m *Model) HasWeights() bool { return m.state != "" }

// String describes the model in one line.
func (m *Model) String() string {
	if m.Spec == nil {
		return "no model: its training did not begin"
	}
	s := "model of " + wording.Count(len(m.Spec.Layers), "layer")
	if m.Spec.Other != nil {
		s = "model of " + m.Spec.Title()
	}
	s += ", " + wording.Count(m.Parameters, "parameter") + ", " + wording.Count(m.Epochs, "epoch")
	if n := m.History.Len(); n > 0 {
		s += fmt.Sprintf(", loss %.4g", m.History.Loss[n-1])
		if m.History.HasValidation() {
			s += fmt.Sprintf(", validation loss %.4g", m.History.ValLoss[n-1])
		}
	}
	if !m.HasWeights() {
		s += ", no weights"
	}
	return s
}

// Fallbacks returns a sentence for each setting, precision or GPUs, that was asked for and
// not used.
func (m *Model) Fallbacks() []string {
	var all []string
	if asked := m.Hyperparameters.Precision; asked != "" && asked != "auto" && m.Precision != "" && m.Precision != asked {
		all = append(all, fmt.Sprintf("precision %s was asked for, and %s computed in %s", asked, cmp.Or(m.Device, "the worker"), m.Precision))
	}
	if n, err := strconv.Atoi(string(m.Hyperparameters.GPUs)); err == nil && n > 1 && m.Device != "" && !strings.HasPrefix(m.Device, fmt.Sprintf("%d x ", n)) {
		all = append(all, fmt.Sprintf("%d GPUs were asked for, and the training ran on %s", n, m.Device))
	}
	return all
}

// StateDict returns the weights by their PyTorch names ("0.weight", "0.bias"). The caller
// may change the tensors.
func (m *Model) StateDict() (map[string]tensors.Tensor, error) {
	if m.state == "" {
		return nil, fmt.Errorf("train: state: %w", ErrNoWeights)
	}
	set, err := tensors.DecodeState(m.state, 0)
	if err != nil {
		return nil, fmt.Errorf("train: state: %w", err)
	}
	return set, nil
}

// Predict returns a matrix with the model's output for each row of X. An output of more
// dimensions is flattened to one row. For cross_entropy the outputs are scores before
// softmax; see Classes and Probabilities.
func (m *Model) Predict(X any) (*mat.Dense, error) {
	return m.PredictContext(context.Background(), X)
}

// PredictContext is Predict with a context.
func (m *Model) PredictContext(ctx context.Context, X any) (*mat.Dense, error) {
	t, err := m.predict(ctx, "X", X)
	if err != nil {
		return nil, err
	}
	return t.Dense()
}

// Probabilities returns the softmax of each row of Predict, or, for bce_with_logits, the
// sigmoid of each number. It fails for a model whose loss is not one for classes or
// distributions, because the outputs of such a model are not probabilities.
func (m *Model) Probabilities(X any) (*mat.Dense, error) {
	if loss := m.Hyperparameters.LossFunction; !HasProbabilities(loss) {
		return nil, fmt.Errorf("train: probabilities: the model was trained with %s, whose outputs are numbers and no probabilities; see Predict", loss)
	}
	scores, err := m.Predict(X)
	if err != nil {
		return nil, err
	}
	Probabilities(scores, m.Hyperparameters.LossFunction)
	return scores, nil
}

// HasProbabilities reports whether the outputs of a model with that loss can be converted
// to probabilities.
func HasProbabilities(loss string) bool {
	return loss == "" || worker.Classifies(loss) || loss == "kl_div"
}

// Probabilities turns scores into probabilities in place: sigmoid for
// bce_with_logits, softmax of each row for any other loss.
func Probabilities(scores *mat.Dense, loss string) {
	rows, _ := scores.Dims()
	for i := range rows {
		row := scores.RawRowView(i)
		if loss == "bce_with_logits" {
			for j, v := range row {
				row[j] = 1 / (1 + math.Exp(-v))
			}
			continue
		}
		top, sum := math.Inf(-1), 0.0
		for _, v := range row {
			top = math.Max(top, v)
		}
		for j, v := range row {
			row[j] = math.Exp(v - top)
			sum += row[j]
		}
		for j := range row {
			row[j] /= sum
		}
	}
}

func (m *Model) predict(ctx context.Context, name string, X any) (tensors.Tensor, error) {
	r, x, err := m.request(worker.OpPredict, name, X)
	if err != nil {
		return tensors.Tensor{}, err
	}
	r.InputData = &worker.Dataset{Features: worker.Value{Tensor: "X"}}
	_, output, err := resolve(m.Spec, x.Shape[1:])
	if err != nil {
		return tensors.Tensor{}, err
	}
	if output == nil {
		output = m.Output
	}
	rows := rowsAnAnswer(output)
	if rows >= x.Rows() {
		return m.predictRows(ctx, r, name, x, false)
	}
	if signs, err := m.bucket(); signs || err != nil {
		t, err := m.predictRows(ctx, r, name, x, true)
		if !errors.Is(err, transfer.ErrNoUpload) {
			return t, err
		}
	}
	return m.predictSlices(ctx, r, name, x, rows)
}

// bucket reports whether results can go to a bucket.
func (m *Model) bucket() (signs bool, err error) {
	s := m.store
	if s == nil {
		e, err := place.EndpointOr(m.endpoint)
		if err != nil {
			return false, err
		}
		if s, err = place.StoreOf(e); err != nil {
			return false, fmt.Errorf("train: where to put the data: %w", err)
		}
	}
	_, signs = s.(store.Signer)
	return signs, nil
}

// predictRows gets the outputs of all rows in one job. large means that they do not fit
// into an answer.
func (m *Model) predictRows(ctx context.Context, r *worker.Request, name string, x tensors.Tensor, large bool) (tensors.Tensor, error) {
	response, set, err := m.ask(ctx, &transfer.Parcel{Request: r, Set: tensors.Set{"X": x}, Names: map[string]string{"X": name}}, large)
	if err != nil {
		return tensors.Tensor{}, err
	}
	if t, ok := set["predictions"]; ok && t.Validate() == nil && len(t.Shape) > 0 && t.Rows() == x.Rows() {
		return t, nil
	}
	return predictions(response, x.Rows())
}

// predictions reads the tensor that the answer refers to.
func predictions(response *worker.Response, rows int) (tensors.Tensor, error) {
	var ref worker.Value
	if response.Tensors == nil || json.Unmarshal(response.Predictions, &ref) != nil || ref.Tensor == "" {
		return tensors.Tensor{}, fmt.Errorf("train: predict: %w: no predictions in it", ErrResult)
	}
	set, err := tensors.DecodeSet(response.Tensors.Codec, response.Tensors.Data, 0)
	if err != nil {
		return tensors.Tensor{}, fmt.Errorf("train: predict: %w: %w", ErrResult, err)
	}
	t, ok := set[ref.Tensor]
	if !ok || len(t.Shape) == 0 || t.Rows() != rows {
		return tensors.Tensor{}, fmt.Errorf("train: predict: %w: %v predictions for %d rows", ErrResult, t, rows)
	}
	return t, nil
}

// request returns the beginning of a request that uses the model on X, and X as a tensor.
func (m *Model) request(op worker.Operation, name string, X any) (*worker.Request, tensors.Tensor, error) {
	if m.state == "" {
		return nil, tensors.Tensor{}, fmt.Errorf("train: %s: %w", op, ErrNoWeights)
	}
	x, err := features(name, X, m.Spec)
	if err != nil {
		return nil, x, err
	}
	if m.Input != nil {
		if _, _, err := resolve(m.Spec, x.Shape[1:]); err != nil {
			hint := ""
			if len(x.Shape) == 2 && x.Shape[1] == 1 && x.Rows() == elements(m.Input) {
				hint = "; a slice is one number a row: for one row give [][]float64{x}"
			}
			return nil, x, wrong(name, tensors.ErrShape, "has %s a row and the model was trained on %s%s",
				numbers(x.Shape[1:]), numbers(m.Input), hint)
		}
	}
	r := &worker.Request{
		Operation: op, Protocol: worker.Protocol, RunID: NewRunID(),
		Model: m.Spec, ModelState: m.state,
	}
	if h := m.Hyperparameters; h.Precision == "fp32" { // asked for: "auto" would be tf32 on a GPU
		r.Hyperparameters = &worker.Hyperparameters{Precision: h.Precision}
	}
	return r, x, nil
}

// ask runs the request as a job and returns its answer, and the arrays of the answer that
// went to the bucket.
func (m *Model) ask(ctx context.Context, p *transfer.Parcel, large bool) (*worker.Response, tensors.Set, error) {
	endpoint, err := place.EndpointOr(m.endpoint)
	if err != nil {
		return nil, nil, err
	}
	ctx, charge, err := budget.Begin(ctx, endpoint, budget.Job{Kind: string(p.Request.Operation), Limit: m.policy.ExecutionTimeout})
	if err != nil {
		return nil, nil, fmt.Errorf("train: %w", err)
	}
	defer charge.End(ctx)
	t := transfer.New(ctx, endpoint, m.store, m.inline)
	t.Large, p.Deltas, t.Expires = large, m.deltas, transfer.LifeOf(m.policy)
	var output json.RawMessage
	err = t.Send(ctx, p, func(r *worker.Request) (err error) {
		if output, err = transfer.Call(ctx, endpoint, r, charge.Policy(m.policy)); errors.Is(err, ErrNoOutput) {
			output, err = keptAnswer(ctx, endpoint, r, err)
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	var response worker.Response
	if err := transfer.Decode(output, &response); err != nil {
		return nil, nil, fmt.Errorf("train: %s: %w: %w", p.Request.Operation, ErrResult, err)
	}
	if response.Uploaded == nil {
		return &response, nil, nil
	}
	set, err := t.Collect(ctx, response.Uploaded)
	if err != nil {
		return nil, nil, fmt.Errorf("train: %s: %w", p.Request.Operation, err)
	}
	return &response, set, nil
}

// text returns the model as JSON, for comparison.
func text(m *worker.ModelConfig) string {
	b, err := json.Marshal(m)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
