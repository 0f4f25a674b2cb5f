package setup

import (
	"context"
	"errors"
	"sync"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/build"
)

// A Pending is the Evaluator of a kernel whose compiled packages are missing or
// outdated, for example after an upgrade of Go. The first cell compiles them and shows
// the progress; from then on every call goes to the real evaluator.
type Pending struct {
	prepare func(ctx context.Context, progress func(string)) (*build.Host, error)
	start   func(*build.Host) (kernel.Evaluator, error)
	why     error

	mu     sync.Mutex
	ready  kernel.Evaluator
	cancel context.CancelCauseFunc // of the preparation, while it runs
}

var _ kernel.Evaluator = (*Pending)(nil)

// NewPending returns a Pending. Why is the reason to show; prepare makes the host, and
// start starts the evaluator on it.
func NewPending(why error, prepare func(context.Context, func(string)) (*build.Host, error), start func(*build.Host) (kernel.Evaluator, error)) *Pending {
	return &Pending{prepare: prepare, start: start, why: why}
}

var errInterrupted = errors.New("interrupted")

func (p *Pending) evaluator() kernel.Evaluator {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ready
}

// Execute implements kernel.Evaluator.
func (p *Pending) Execute(ctx context.Context, c kernel.Cell, out kernel.Output) error {
	ev := p.evaluator()
	if ev == nil {
		var err error
		if ev, err = p.make(ctx, out); err != nil {
			return err
		}
	}
	return ev.Execute(ctx, c, out)
}

func (p *Pending) make(ctx context.Context, out kernel.Output) (kernel.Evaluator, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p.mu.Lock()
	p.cancel = cancel
	p.mu.Unlock()
	say := func(line string) { out.Stream("stderr", []byte(line+"\n")) }
	say(p.why.Error() + "\nCompiling what cells need; this takes a minute or two, once.")
	host, err := p.prepare(ctx, say)
	if context.Cause(ctx) == errInterrupted {
		return nil, &kernel.EvalError{Name: "Interrupted", Value: "the packages are not compiled yet; the next cell continues"}
	}
	var ev kernel.Evaluator
	if err == nil {
		ev, err = p.start(host)
	}
	if err != nil {
		return nil, &kernel.EvalError{Name: "SetupError", Value: err.Error() + "; gopherpod doctor tells you what to fix"}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready, p.cancel = ev, nil
	return ev, nil
}

// Interrupt implements kernel.Evaluator.
func (p *Pending) Interrupt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ready != nil {
		p.ready.Interrupt()
	} else if p.cancel != nil {
		p.cancel(errInterrupted)
	}
}

// Complete implements kernel.Evaluator.
func (p *Pending) Complete(ctx context.Context, code string, pos int) (kernel.Completion, error) {
	if ev := p.evaluator(); ev != nil {
		return ev.Complete(ctx, code, pos)
	}
	return kernel.Completion{Start: pos, End: pos}, nil
}

// Inspect implements kernel.Evaluator.
func (p *Pending) Inspect(ctx context.Context, code string, pos, detail int) (kernel.Bundle, bool, error) {
	if ev := p.evaluator(); ev != nil {
		return ev.Inspect(ctx, code, pos, detail)
	}
	return nil, false, nil
}

// IsComplete implements kernel.Evaluator.
func (p *Pending) IsComplete(code string) (status, indent string) {
	if ev := p.evaluator(); ev != nil {
		return ev.IsComplete(code)
	}
	return "unknown", ""
}

// Surroundings returns the environment and the folder of the evaluator or, before it has
// started, those of this process.
func (p *Pending) Surroundings() (env []string, dir string) {
	if ev, ok := p.evaluator().(interface {
		Surroundings() (env []string, dir string)
	}); ok {
		return ev.Surroundings()
	}
	return nil, "."
}

// Changed returns what the evaluator's Changed returns or, before it has started, nothing.
func (p *Pending) Changed() (env []string, dir string) {
	if ev, ok := p.evaluator().(interface {
		Changed() (env []string, dir string)
	}); ok {
		return ev.Changed()
	}
	return nil, "."
}

// Eval implements kernel.Evaluator.
func (p *Pending) Eval(ctx context.Context, expr string) (kernel.Bundle, error) {
	if ev := p.evaluator(); ev != nil {
		return ev.Eval(ctx, expr)
	}
	return nil, &kernel.EvalError{Name: "SetupError", Value: p.why.Error()}
}

func (p *Pending) Close() error {
	if ev := p.evaluator(); ev != nil {
		return ev.Close()
	}
	return nil
}
