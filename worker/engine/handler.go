package engine

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/address"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// Options configure a Handler. The zero value works.
type Options struct {
	// MaxBytes bounds the arrays and states that a request's text decodes to, besides
	// the memory that is free; 0: tensors.DefaultLimit.
	MaxBytes int64
	// Store holds data between jobs; nil: 1 GB in memory.
	Store Store
	// Addresses are the addresses that a request's sources and upload may name; the
	// zero value allows none.
	Addresses address.Rules

	free func() uint64 // the memory that is free, in bytes; nil: memory.Available
}

// Handler returns a worker.Handler that runs all operations of the contract on the
// CPU. It may run several jobs at once. Train streams events; a run_id that it has seen
// with the same request is answered from memory. Refusals are *worker.Error: ErrInvalid
// with the path of the field, ErrUnsupported for features that only the PyTorch worker
// has, ErrDiverged, ErrMemory, ErrMissing.
func Handler(o Options) worker.Handler {
	if o.Store == nil {
		o.Store = MemoryStore(1 << 30)
	}
	e := &engine{options: o}
	return e.handle
}

type engine struct {
	options Options
	runs    runs // trainings
	answers runs // the answers of other jobs
}

func (e *engine) handle(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
	return e.run(ctx, job.Input, nil, yield)
}

// run handles one request; outer holds the arrays of the enclosing batch.
func (e *engine) run(ctx context.Context, input []byte, outer *arrays, yield func(json.RawMessage) error) (json.RawMessage, error) {
	r, err := worker.DecodeRequest(input)
	if err != nil {
		return nil, err
	}
	switch r.Operation {
	case worker.OpTrain:
		if err := outer.limit(r); err != nil {
			return nil, err
		}
		out := &output{yield: yield}
		err := e.train(ctx, r, input, outer, out.take)
		return out.list(), err
	case worker.OpCollect:
		out := &output{yield: yield}
		err := e.collect(ctx, r.RunID, out.take)
		return out.list(), err
	}
	answer, err := e.answer(ctx, r, outer)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(answer)
	if err == nil && outer == nil {
		e.keepAnswer(r, text)
	}
	return text, err
}

// keepAnswer keeps the answer of a job, for a client to collect if the service refuses it.
func (e *engine) keepAnswer(r *worker.Request, text []byte) {
	switch r.Operation {
	case worker.OpEvaluate, worker.OpPredict, worker.OpTrainEpoch, worker.OpBatch:
	default:
		return // cheap to ask for again
	}
	if r.RunID == "" {
		return
	}
	result := worker.TrainResult{Operation: r.Operation, Status: "success", RunID: r.RunID, Answer: base64.StdEncoding.EncodeToString(text)}
	var chunks []json.RawMessage
	for _, event := range result.Emit(0) {
		chunk, err := json.Marshal(event)
		if err != nil {
			return
		}
		chunks = append(chunks, chunk)
	}
	e.answers.keep(r.RunID, chunks)
}

// answer handles the operations that do not stream.
func (e *engine) answer(ctx context.Context, r *worker.Request, outer *arrays) (any, error) {
	a, err := newArrays(ctx, r, outer, &e.options)
	if err != nil {
		return nil, err
	}
	drawn := drawSeed(r)
	answer, err := e.compute(ctx, r, a)
	if err != nil || r.Protocol != 0 {
		return answer, err
	}
	return oldAnswer(r, answer, drawn), nil
}

func (e *engine) compute(ctx context.Context, r *worker.Request, a *arrays) (*worker.Response, error) {
	switch r.Operation {
	case worker.OpTrainEpoch:
		return e.trainEpoch(ctx, r, a)
	case worker.OpEvaluate:
		return evaluate(ctx, r, a, &e.options)
	case worker.OpPredict:
		return predict(ctx, r, a, &e.options)
	case worker.OpBatch:
		return e.batch(ctx, r, a)
	case worker.OpStore:
		return store(r, a, e.options.maxBytes())
	case worker.OpCapabilities:
		return capabilities(&e.options), nil
	case worker.OpBenchmark:
		return &worker.Response{Operation: worker.OpBenchmark, Status: "success", BenchmarkResults: benchmark(512, 100*time.Millisecond)}, nil
	}
	return gpuInfo(), nil
}

// train streams the events of a training, or repeats those of the same earlier run.
func (e *engine) train(ctx context.Context, r *worker.Request, input []byte, outer *arrays, yield func(json.RawMessage) error) error {
	if r.RunID == "" {
		return e.trainRun(ctx, r, outer, yield, nil, nil)
	}
	key := runKey(r.RunID, input)
	run, repeat, err := e.runs.begin(ctx, key)
	if err != nil {
		return err
	}
	if repeat {
		for _, chunk := range run.chunks {
			if err := yield(chunk); err != nil {
				return err
			}
		}
		return nil
	}
	state := forgotten
	defer func() { e.runs.end(key, run, state) }()
	keep := func(chunk json.RawMessage) error {
		run.chunks = append(run.chunks, chunk)
		return nil
	}
	err = e.trainRun(ctx, r, outer, func(chunk json.RawMessage) error {
		keep(chunk)
		return yield(chunk)
	}, func(chunk json.RawMessage) error {
		state = left
		return keep(chunk)
	}, func(chunk json.RawMessage) error {
		run.whole = append(run.whole, chunk)
		return nil
	})
	if err == nil {
		state = finished
	}
	return err
}

// collect streams the events of a stored run, or the answer of a job that did not train. It waits for a run that is still training.
func (e *engine) collect(ctx context.Context, id string, yield func(json.RawMessage) error) error {
	run, err := e.runs.find(ctx, id)
	if err == nil && run == nil {
		run, err = e.answers.find(ctx, id)
	}
	if err != nil {
		return err
	}
	if run == nil {
		return &worker.Error{Kind: worker.ErrMissing, Field: "run_id", Message: "this worker keeps no events of that run"}
	}
	for _, chunk := range run.collected() {
		if err := yield(chunk); err != nil {
			return err
		}
	}
	return nil
}

// trainRun streams the events of a training. If ctx or a failure ends the training, leave
// receives the events with which a finished training would have ended, states included. If the states
// travel as deltas, whole receives the last events with full states.
func (e *engine) trainRun(ctx context.Context, r *worker.Request, outer *arrays, yield, leave, whole func(json.RawMessage) error) error {
	seq := 0
	tellTo := func(yield func(json.RawMessage) error, event worker.Event) error {
		event.RunID, event.Seq = r.RunID, seq
		seq++
		chunk, err := json.Marshal(event)
		if err != nil {
			return err
		}
		return yield(chunk)
	}
	tell := func(event worker.Event) error { return tellTo(yield, event) }
	drawn := drawSeed(r)
	begun := time.Now()
	a, err := newArrays(ctx, r, outer, &e.options)
	if err != nil {
		return err
	}
	t, err := newTrainer(r, a, &e.options, tell)
	if err != nil {
		return err
	}
	t.limited(begun, time.Duration(r.TimeLimit*float64(time.Second)))
	if p := t.h.Precision; p != "auto" && !slices.Contains(contract.SupportOf(contract.WorkerEngine).Precisions, p) {
		if err := tell(worker.Event{Type: worker.EventLog, Message: fmt.Sprintf("precision %s is for GPUs; the engine on the CPU computes in fp32", p)}); err != nil {
			return err
		}
	}
	for _, name := range r.Hyperparameters.WithoutUse(contract.WorkerEngine) {
		if err := tell(worker.Event{Type: worker.EventLog, Message: name + " is for GPUs; the engine on the CPU has no use for it"}); err != nil {
			return err
		}
	}
	begun = time.Now()
	over := false
	left := func(why string) { // saves, through leave, the results of a training that ended early
		over = true
		if leave == nil || !t.salvage(why == worker.StoppedInterrupted) {
			return
		}
		if result, err := t.result(r, why); err == nil {
			result.Seed = drawn
			result.Seconds = worker.Number(time.Since(begun).Seconds())
			for _, event := range result.Emit(seq) {
				tellTo(leave, event)
			}
		}
	}
	defer func() {
		if !over { // a panic: do not recover, so that its report has the stack
			left(worker.StoppedFailed)
		}
	}()
	stopped, err := t.run(ctx)
	switch {
	case errors.Is(err, errLimit) && t.salvage(true):
		stopped = worker.StoppedAtLimit
	case ctx.Err() != nil:
		left(worker.StoppedInterrupted)
		return err
	case err != nil:
		left(worker.StoppedFailed)
		return err
	}
	over = true
	result, err := t.result(r, stopped)
	if err != nil {
		return err
	}
	result.Seed = drawn
	result.Seconds = worker.Number(time.Since(begun).Seconds())
	a.keepState(result.ModelState)
	a.keepState(result.OptimizerState)
	if err := uploadStates(ctx, r, result, &e.options, tell); err != nil {
		return err
	}
	asItIs := *result
	if err := differences(r, result); err != nil {
		return err
	}
	if whole != nil && (result.ModelState != asItIs.ModelState || result.OptimizerState != asItIs.OptimizerState) {
		first := seq
		for _, event := range asItIs.Emit(first) {
			tellTo(whole, event)
		}
		seq = first
	}
	for _, event := range result.Emit(seq) {
		if err := tell(event); err != nil {
			return err
		}
	}
	return nil
}

func (t *trainer) result(r *worker.Request, stopped string) (*worker.TrainResult, error) {
	model, optimizer, err := t.states()
	if err != nil {
		return nil, err
	}
	result := &worker.TrainResult{
		Operation: r.Operation, Status: "success", RunID: r.RunID, History: t.history, Model: t.net.config,
		ModelState: model, OptimizerState: optimizer, Parameters: len(t.net.weights), Device: device, Precision: "fp32",
		Features: contract.SupportOf(contract.WorkerEngine).Features, Weights: &t.weights,
	}
	if stopped != "" {
		result.Status, result.Stopped = "stopped", stopped
	}
	return result, nil
}

// states returns the text of the model's and the optimizer's state. They are not
// compressed, because trained weights hardly shrink.
func (t *trainer) states() (model, optimizer string, err error) {
	set, err := t.net.state()
	if err != nil {
		return "", "", err
	}
	if model, err = tensors.EncodeState(set, false); err != nil {
		return "", "", err
	}
	if set, err = t.optimizer.state(t.net, t.schedule); err != nil {
		return "", "", err
	}
	optimizer, err = tensors.EncodeState(set, false)
	return model, optimizer, err
}

// trainEpoch handles the predecessor's operation: one epoch, with all samples in one batch
// unless batch_size is given.
func (e *engine) trainEpoch(ctx context.Context, r *worker.Request, a *arrays) (*worker.Response, error) {
	t, err := newTrainer(r, a, &e.options, func(worker.Event) error { return nil })
	if err != nil {
		return nil, err
	}
	t.end = t.epoch + 1
	if _, err := t.run(ctx); err != nil {
		return nil, err
	}
	model, optimizer, err := t.states()
	if err != nil {
		return nil, err
	}
	result := &worker.TrainResult{ModelState: model, OptimizerState: optimizer}
	if err := differences(r, result); err != nil {
		return nil, err
	}
	last := t.history[0]
	return &worker.Response{
		Operation: r.Operation, Status: "success", ModelState: result.ModelState, OptimizerState: result.OptimizerState,
		Metrics: &worker.Metrics{Loss: last.Loss, Accuracy: last.Accuracy, SamplesProcessed: last.Samples, DeviceUsed: device},
	}, nil
}

func predict(ctx context.Context, r *worker.Request, a *arrays, o *Options) (*worker.Response, error) {
	d, err := a.features(r.InputData, "input_data")
	if err != nil {
		return nil, err
	}
	net, err := loaded(r, d.shape, o)
	if err != nil {
		return nil, err
	}
	if err := net.checkIndices(d, "input_data"); err != nil {
		return nil, err
	}
	width := elements(net.out)
	all := make([]float32, d.n*width)
	if err := net.outputs(ctx, d, func(y []float32, from, to int) { copy(all[from*width:to*width], y) }); err != nil {
		return nil, err
	}
	answer := &worker.Response{Operation: r.Operation, Status: "success"}
	if r.Protocol == 0 {
		answer.Predictions = oldPredictions(r, all, d.n, net.out)
		return answer, nil
	}
	t, err := toTensor(all, append([]int{d.n}, net.out...))
	if err != nil {
		return nil, err
	}
	if answer.Uploaded, err = upload(ctx, r, tensors.Set{"predictions": t}, o); answer.Uploaded != nil || err != nil {
		return answer, err
	}
	text, err := tensors.EncodeSet(tensors.Set{"predictions": t}, "msgpack")
	if err != nil {
		return nil, err
	}
	answer.Predictions = json.RawMessage(`{"tensor":"predictions"}`)
	answer.Tensors = &worker.Tensors{Codec: "msgpack", Data: text}
	return answer, nil
}

// appendList writes numbers of a shape as nested JSON lists; one writes one of them.
func appendList[T any](b []byte, x []T, shape []int, one func([]byte, T) []byte) []byte {
	if len(shape) == 0 {
		return one(b, x[0])
	}
	b = append(b, '[')
	size := elements(shape[1:])
	for i := range shape[0] {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendList(b, x[i*size:(i+1)*size], shape[1:], one)
	}
	return append(b, ']')
}

func appendNumber(b []byte, v float32) []byte {
	if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
		text, _ := worker.Number(f).MarshalJSON()
		return append(b, text...)
	}
	return strconv.AppendFloat(b, float64(v), 'g', -1, 32)
}

// limit gives a training in a batch what is left of the batch's time. It is an error if that is
// nothing.
func (a *arrays) limit(r *worker.Request) error {
	if a == nil || a.until.IsZero() {
		return nil
	}
	left := time.Until(a.until).Seconds()
	if left < 1 {
		return &worker.Error{Kind: worker.ErrUnsupported, Message: "the time of the batch was over before this training began; give the batch more time, or train in a job of its own"}
	}
	if r.TimeLimit == 0 || r.TimeLimit > left {
		r.TimeLimit = left
	}
	return nil
}

// batch answers each request in order; a failing request does not stop the others.
func (e *engine) batch(ctx context.Context, r *worker.Request, a *arrays) (*worker.Response, error) {
	answer := &worker.Response{Operation: r.Operation, Status: "success"}
	if r.TimeLimit > 0 {
		a.until = time.Now().Add(time.Duration(r.TimeLimit * float64(time.Second)))
	}
	for i, part := range r.Requests {
		result, err := e.batchPart(ctx, part, a)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			result = failure(fmt.Sprintf("requests[%d]", i), err)
		}
		answer.Results = append(answer.Results, result)
	}
	return answer, nil
}

func (e *engine) batchPart(ctx context.Context, part json.RawMessage, a *arrays) (json.RawMessage, error) {
	var head struct{ Operation worker.Operation }
	if json.Unmarshal(part, &head) == nil && head.Operation == worker.OpBatch {
		return nil, worker.Invalid("operation", "a batch within a batch")
	}
	var events worker.Collector
	output, err := e.run(ctx, part, a, func(chunk json.RawMessage) error {
		var event worker.Event
		if err := json.Unmarshal(chunk, &event); err != nil {
			return err
		}
		_, err := events.Add(event)
		return err
	})
	if err != nil || output != nil {
		return output, err
	}
	result, err := events.Result()
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

// failure returns the answer for a request of a batch that failed.
func failure(path string, err error) json.RawMessage {
	var e *worker.Error
	if !errors.As(err, &e) {
		e = &worker.Error{Kind: worker.ErrInternal, Message: err.Error()}
	}
	c := *e
	c.Field = path
	if e.Field != "" {
		c.Field += "." + e.Field
	}
	text, _ := json.Marshal(map[string]any{"status": "error", "failure": c})
	return text
}
