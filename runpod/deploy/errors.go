package deploy

import (
	"errors"
	"strings"

	"github.com/gopherpod/gopherpod/runpod"
)

// A Problem is an error for users: one line that includes the next step.
type Problem struct {
	text string
	err  error
}

// Error returns that line.
func (p *Problem) Error() string { return p.text }

// Unwrap returns the cause, or nil.
func (p *Problem) Unwrap() error { return p.err }

// Explain adds the next step to an error of the service. It returns other errors unchanged.
func Explain(err error) error {
	var p *Problem
	var request *runpod.Error
	if err == nil || errors.As(err, &p) {
		return err
	}
	text := trimmed(err)
	switch {
	case errors.Is(err, runpod.ErrInvalid) && errors.As(err, &request):
		text = request.Message
	case errors.Is(err, runpod.ErrUnauthorized):
		text = "RunPod refuses the key; check RUNPOD_API_KEY (environment, .env or gopherpod key set)"
	case errors.Is(err, runpod.ErrForbidden):
		text = "the key may not manage endpoints; give it that permission in the RunPod console (Settings, API Keys)"
	case errors.Is(err, runpod.ErrNotFound):
		text += "; gopherpod endpoint list shows what there is"
	case errors.Is(err, runpod.ErrConflict):
		text += "; delete or rename one: gopherpod endpoint list"
	case errors.Is(err, runpod.ErrUnknownOutcome):
		text += "; run the same command again: it finds what was made"
	case errors.Is(err, runpod.ErrUnreachable):
		text += "; check the network and run the same command again"
	case errors.Is(err, runpod.ErrServer), errors.Is(err, runpod.ErrRateLimited):
		text += "; run the same command again in a while"
	case errors.Is(err, runpod.ErrJobFailed), errors.Is(err, runpod.ErrJobTimedOut), errors.Is(err, runpod.ErrJobCancelled):
		text += "; look at the workers: gopherpod endpoint logs"
	default:
		return err
	}
	return &Problem{text: oneLine(text), err: err}
}

func trimmed(err error) string { return strings.TrimPrefix(err.Error(), "runpod: ") }

// oneLine makes text safe for a terminal by replacing control characters with spaces.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || 0x7f <= r && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}
