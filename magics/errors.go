package magics

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
)

// explain turns the error of a call into what the person reads: one line that ends
// with the next step. The libraries below state facts; only this file adds hints.
func explain(err error) error {
	var use *magic.UsageError
	var data *train.DataError
	var refused *worker.Error
	var over *budget.Refused
	switch {
	case err == nil, errors.As(err, &use):
		return err
	case errors.As(err, &data):
		return usage("%s", data)
	case errors.As(err, &over):
		return &hint{err, overInWords(over)}
	case errors.Is(err, train.ErrNoWeights):
		return usage("%v; train it again, or continue from another", trimmed(err))
	case errors.Is(err, train.ErrNotClasses):
		return usage("%s", trimmed(err))
	case errors.As(err, &refused):
		return fromWorker(refused, err)
	}
	return fromEndpoint(err)
}

// overInWords says what a budget refused and what would fit into it.
func overInWords(e *budget.Refused) string {
	s := "not sent: " + e.Error()
	switch {
	case e.Why != "" && e.Rate == (train.Rate{}) && strings.Contains(e.Why, "price"):
		return s + "; name the GPU, as in --gpu ADA_24, or unset the variable"
	case e.Why != "" && strings.Contains(e.Why, "it is 0"):
		if e.Limit == budget.EnvNotebook {
			return s + "; %env " + e.Limit + "=2.50 allows something"
		}
		return s + "; " + e.Limit + "=2.50 would allow something"
	case e.Why != "":
		return s
	case e.Limit == budget.EnvHour:
		return s + "; fewer --workers or a cheaper endpoint would fit, or raise it"
	}
	fits := math.Floor(e.Left*1e4) / 1e4
	if e.Rate.Affords(fits) >= runpod.MinTimeout {
		return s + fmt.Sprintf("; --max-cost %v or a shorter --timeout would fit, or raise %s", fits, e.Limit)
	}
	return s + "; that is too little for any job: raise " + e.Limit
}

// fromEndpoint explains an error of the endpoint or of the network on the way to
// it.
func fromEndpoint(err error) error {
	var request *runpod.Error
	var job *runpod.JobError
	text := ""
	switch {
	case errors.Is(err, runpod.ErrInvalid) && errors.As(err, &request):
		return usage("%s", request.Message)
	case errors.Is(err, runpod.ErrQueueTimeout):
		text = trimmed(err) + "; run it again later, let it wait longer with --queue-timeout, or let the endpoint use more kinds of GPU (gopherpod deploy --gpu)"
	case errors.Is(err, runpod.ErrExpired) && errors.As(err, &request):
		text = fmt.Sprintf("job %s was %v; run it again", request.JobID, runpod.ErrExpired)
	case errors.Is(err, runpod.ErrUnauthorized):
		text = "the endpoint refuses the key; check RUNPOD_API_KEY (environment, .env or gopherpod key set)"
	case errors.Is(err, runpod.ErrForbidden):
		text = "the key may not use this endpoint; check its permissions in the RunPod console"
	case errors.Is(err, runpod.ErrNotFound) && errors.As(err, &request) && request.JobID != "":
		text = fmt.Sprintf("the endpoint knows no job %s; results are kept 30 minutes", request.JobID)
	case errors.Is(err, runpod.ErrNotFound) && errors.As(err, &request):
		text = fmt.Sprintf("there is no endpoint %s; check RUNPOD_ENDPOINT_ID", request.Endpoint)
	case errors.Is(err, runpod.ErrTooLarge):
		text = trimmed(err)
	case errors.Is(err, runpod.ErrUnknownOutcome):
		text = trimmed(err) + "; if it was, the job runs and is billed: look at %runpod_health before you run the cell again; %runpod_attach last brings a training's result, if the worker keeps it"
	case errors.Is(err, runpod.ErrUnreachable):
		text = "the endpoint cannot be reached: " + cause(err) + "; check the network and the address, then run the cell again"
	case errors.Is(err, runpod.ErrServer), errors.Is(err, runpod.ErrRateLimited):
		text = trimmed(err) + "; run the cell again in a while"
	case errors.Is(err, runpod.ErrBadAnswer), errors.Is(err, train.ErrResult):
		text = trimmed(err) + "; is this an endpoint with the Gopherpod worker?"
	case errors.As(err, &job):
		text = trimmed(err)
		if job.Traceback != "" {
			text += "\n" + strings.TrimSpace(job.Traceback)
		}
	default:
		return err
	}
	return &hint{err, text}
}

// cause returns the network's own message, without the addresses around it.
func cause(err error) string {
	var request *runpod.Error
	if errors.As(err, &request) {
		if request.Message != "" {
			return request.Message
		}
		if request.Cause != nil {
			return request.Cause.Error()
		}
	}
	return err.Error()
}

// fromWorker explains an error that the contract's checks found, here or on the
// worker.
func fromWorker(e *worker.Error, err error) error {
	switch e.Kind {
	case worker.ErrInvalid:
		return usage("%s", fieldInWords(e))
	case worker.ErrDiverged:
		return &hint{err, e.Message}
	case worker.ErrMemory:
		return &hint{err, e.Message + "; a smaller --batch-size needs less"}
	}
	return &hint{err, e.Error()}
}

// predicate matches messages that go on after the name: "--lr is -1, wants 0 or more",
// "--batch-size 32 leaves a batch of 1". The
// others have a subject of their own: "--momentum: adam does not use it".
var predicate = regexp.MustCompile(`^([0-9]|is\b|has\b|wants\b|needs\b|cannot\b|must\b|changes\b)`)

// fieldInWords returns the message with the option in front, or with the field if
// no option sets it. It adds nothing to a message that already says where the
// mistake is.
func fieldInWords(e *worker.Error) string {
	if e.Field == "" || strings.HasPrefix(e.Message, "layer ") || strings.HasPrefix(e.Message, "line ") || strings.HasPrefix(e.Message, "there is") || strings.HasPrefix(e.Message, "unknown ") {
		return e.Message
	}
	field := e.Field[strings.LastIndexByte(e.Field, '.')+1:]
	message := strings.ReplaceAll(e.Message, "drop_last", "--drop-last")
	if option := optionFor(e.Field); option != "" {
		rest := strings.TrimPrefix(message, field+" ")
		if predicate.MatchString(rest) {
			return option + " " + rest
		}
		return option + ": " + rest
	}
	return fmt.Sprintf("%s: %s", e.Field, e.Message)
}

// A hint is an error with a different text: one line and the next step.
type hint struct {
	err  error
	text string
}

func (h *hint) Error() string { return h.text }
func (h *hint) Unwrap() error { return h.err }

func trimmed(err error) string {
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "train: "), "runpod: ")
}
