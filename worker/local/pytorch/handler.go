package pytorch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/tensors/python"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// Options configure a Handler.
type Options struct {
	// Engine runs the jobs that do not need PyTorch.
	Engine worker.Handler
	// Source returns the folder of our source, which holds the PyTorch worker. It is called
	// for the first job that needs it.
	Source func() (string, error)
	// Home is the folder of the installation, which may hold a Python with PyTorch.
	Home string
	// Store is the folder of arrays that jobs share, "" for none.
	Store string
}

// Handler returns a worker.Handler that runs jobs whose model is Python or a graph with
// PyTorch, and the others on the engine. The endpoint's user runs such code on the own
// machine, so it is allowed. If no Python of this machine has PyTorch, such a job fails with
// an error that says how to install it.
func Handler(o Options) worker.Handler {
	h := &handler{options: o}
	return h.handle
}

type handler struct {
	options Options

	mu    sync.Mutex
	ran   bool     // whether a job ran with PyTorch, so that its runs may be collected
	path  string   // the Python of the last process
	spare *process // started, without a job; see prepare
}

func (h *handler) handle(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
	head := read(job.Input)
	switch {
	case head.needsPyTorch():
		return h.run(ctx, job, yield)
	case head.Operation == worker.OpCapabilities:
		return h.capabilities(ctx, job, yield)
	case head.Operation == worker.OpCollect:
		out, err := h.options.Engine(ctx, job, yield)
		var refused *worker.Error
		if h.hasRun() && errors.As(err, &refused) && refused.Kind == worker.ErrMissing {
			return h.run(ctx, job, yield)
		}
		return out, err
	}
	return h.options.Engine(ctx, job, yield)
}

func (h *handler) hasRun() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ran
}

// A head is what decides where a job runs.
type head struct {
	Operation worker.Operation `json:"operation"`
	Model     struct {
		Type string `json:"type"`
	} `json:"model_config"`
	Requests []head `json:"requests"`
}

// read returns the head of an input. Most inputs are large and name none of these types, so
// they are not parsed here. What is wrong with an input, its worker reports.
func read(input []byte) (h head) {
	for _, word := range []string{`"` + contract.ModelPython + `"`, `"` + contract.ModelGraph + `"`, `"capabilities"`, `"collect"`} {
		if bytes.Contains(input, []byte(word)) {
			_ = json.Unmarshal(input, &h)
			return h
		}
	}
	return h
}

func (h head) needsPyTorch() bool {
	return h.Model.Type == contract.ModelPython || h.Model.Type == contract.ModelGraph || slices.ContainsFunc(h.Requests, head.needsPyTorch)
}

// capabilities adds the types of models that PyTorch builds to the engine's answer, if this
// machine has PyTorch.
func (h *handler) capabilities(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
	out, err := h.options.Engine(ctx, job, yield)
	if err != nil {
		return out, err
	}
	if _, err := python.Find(ctx, h.options.Home, python.Modules()...); err != nil {
		return out, nil
	}
	var answer worker.Response
	if err := json.Unmarshal(out, &answer); err != nil || answer.Capabilities == nil {
		return out, nil
	}
	for _, kind := range []string{contract.ModelGraph, contract.ModelPython} {
		if !slices.Contains(answer.Models, kind) {
			answer.Models = append(answer.Models, kind)
		}
	}
	return json.Marshal(answer)
}

// run runs a job in a process of its own.
func (h *handler) run(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
	p, err := h.take(ctx)
	if err != nil {
		return nil, err
	}
	defer h.prepare()
	return p.run(ctx, job, yield)
}

// take returns the spare process, or starts one.
func (h *handler) take(ctx context.Context) (*process, error) {
	h.mu.Lock()
	spare := h.spare
	h.spare, h.ran = nil, true
	h.mu.Unlock()
	if spare != nil && spare.alive() {
		return spare, nil
	}
	path, err := h.find(ctx)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	h.path = path
	h.mu.Unlock()
	return h.start(path)
}

// find returns a Python with PyTorch. The error is for the user: it says what to install.
func (h *handler) find(ctx context.Context) (string, error) {
	path, err := python.Find(ctx, h.options.Home, python.Modules()...)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", &worker.Error{Kind: worker.ErrUnsupported, Message: fmt.Sprintf(
			"this model needs PyTorch, which no Python of this machine has (%v): run gopherpod install --torch, or set %s to a Python with torch, msgpack and zstandard; a RunPod endpoint needs nothing",
			err, python.EnvPython)}
	}
	return path, nil
}

func (h *handler) start(path string) (*process, error) {
	dir, err := h.options.Source()
	if err != nil {
		return nil, fmt.Errorf("pytorch: the worker's source: %w", err)
	}
	p, err := begin(path, dir, h.options.Store)
	if err != nil {
		return nil, fmt.Errorf("pytorch: %s: %w", path, err)
	}
	return p, nil
}

// spareTime is how long a process waits for another job. Importing PyTorch takes seconds,
// and whoever has trained predicts soon after.
const spareTime = 3 * time.Minute

// prepare starts a process for the next job, which is likely to come soon after this one. It
// does not look for a Python again, because the answer of this job waits for it.
func (h *handler) prepare() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.spare != nil && h.spare.alive() {
		return
	}
	p, err := h.start(h.path)
	if err != nil { // the next job reports it
		return
	}
	h.spare = p
	time.AfterFunc(spareTime, func() {
		h.mu.Lock()
		mine := h.spare == p
		if mine {
			h.spare = nil
		}
		h.mu.Unlock()
		if mine {
			p.kill()
		}
	})
}
