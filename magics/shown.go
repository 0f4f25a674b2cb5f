package magics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/train"
)

// A shownRun is a training as a cell shows it: one that the cell starts, or one that it
// attaches to.
type shownRun struct {
	subject
	title string
	rate  train.Rate
	// quiet shows the result only.
	quiet bool
	// variable is the name of the variable for the model.
	variable string
	// limit says which option bounds the job's time, if this cell gave it.
	limit string
}

// show follows a run under a live view, defines the variable and shows the result. The
// function follow runs the training under an observer, and err is its error. undefined
// is the error of defining the variable. A run that failed or was interrupted leaves
// the model with the epochs so far.
func (s *shownRun) show(ctx context.Context, c *magic.Call, follow func(ctx context.Context, view train.Observer) (*train.Model, error)) (model *train.Model, err, undefined error) {
	watch := *c
	watch.Interactive = c.Interactive && !s.quiet
	view := newView(ctx, &watch, s.subject, s.title, s.rate)
	observer, queue := train.Funcs{OnEvent: view.event}, &runpod.Queue{Tell: view.wait}
	if s.quiet {
		observer, queue = train.Funcs{}, &runpod.Queue{}
	}
	model, err = follow(runpod.WithQueue(ctx, queue), observer)
	// The variable is defined first, so that the model is not lost if showing it
	// fails.
	detached := errors.Is(err, train.ErrDetached)
	if model != nil && !detached && (err == nil || model.HasWeights() || model.History.Len() > 0) {
		undefined = c.Vars.Define(s.variable, model)
	}
	result := render.Training{Loss: s.loss, Title: s.title, Epochs: s.epochs}
	if model != nil {
		result.History = model.History.Records
		result.Note = note(model, err, s)
	}
	if detached {
		result.Note = "Left; the run goes on."
	}
	view.end(result)
	if s.quiet && model != nil && err == nil { // otherwise the worker's lines have shown them
		for _, line := range model.Fallbacks() {
			fmt.Fprintln(c.Out.Stderr(), line)
		}
	}
	if model != nil && !detached && !s.quiet && model.History.Len() > 0 {
		c.Out.Display(receipt(model.Receipt))
	}
	return model, err, undefined
}

// background is the output area of a run that continues after its cell has ended.
// Lines that it prints are displayed, because the streams then belong to other
// cells.
type background struct {
	magic.Output
	mu   sync.Mutex
	text strings.Builder
}

// Stdout, like Stderr, keeps the lines until show is called.
func (b *background) Stdout() io.Writer { return b }

func (b *background) Stderr() io.Writer { return b }

func (b *background) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// show displays the lines.
func (b *background) show() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := strings.TrimSpace(b.text.String()); s != "" {
		b.Display(display.Message{Data: display.MIMEMap{render.MIMEText: s}})
	}
	b.text.Reset()
}
