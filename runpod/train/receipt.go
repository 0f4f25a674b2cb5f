package train

import (
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/transfer"
	"github.com/gopherpod/gopherpod/worker"
)

// A Receipt is what is needed to repeat a run, and its outcome. It holds the digests of the
// data, not the data.
type Receipt struct {
	RunID           string                 `json:"run_id"`
	JobID           runpod.JobID           `json:"job_id"`
	Endpoint        runpod.EndpointID      `json:"endpoint"`
	From            string                 `json:"from_run,omitempty"` // the run that this one continues
	StartEpoch      int                    `json:"start_epoch,omitempty"`
	Model           *worker.ModelConfig    `json:"model_config"`
	Hyperparameters worker.Hyperparameters `json:"hyperparameters"`
	Data            []DataDigest           `json:"data"`
	Versions        map[string]string      `json:"versions"`
	Device          string                 `json:"device_used"`
	Precision       string                 `json:"precision"`
	Epochs          int                    `json:"epochs"` // number of the last finished epoch
	Weights         *worker.Weights        `json:"weights,omitempty"`
	Seconds         float64                `json:"seconds"`
	Bill            *Bill                  `json:"bill,omitempty"` // nil: the run costs nothing, or it is not known what
	Last            *worker.Epoch          `json:"last_epoch,omitempty"`
}

// A Bill is what a run costs, in seconds of its workers and in US dollars. RunPod bills a worker
// from its start until it stops.
type Bill struct {
	Waited    float64 `json:"waited"` // in the queue
	Start     float64 `json:"start"`  // of the worker
	Execution float64 `json:"execution"`
	Idle      float64 `json:"idle"` // after the run, unless another job comes sooner
	Dollars   float64 `json:"dollars"`
	Hourly    float64 `json:"dollars_per_hour"` // of one worker
	Pool      string  `json:"gpu,omitempty"`
	Source    string  `json:"price_from,omitempty"`
	Estimated bool    `json:"estimated,omitempty"` // a time was measured here, because the service did not report it
}

func newBill(b *budget.Bill, r Rate) *Bill {
	if b == nil || !r.Known() {
		return nil
	}
	return &Bill{
		Waited: b.Waited.Seconds(), Start: b.Start.Seconds(), Execution: b.Execution.Seconds(), Idle: b.Idle.Seconds(), Dollars: b.Dollars,
		Hourly: r.Hour(), Pool: r.Pool, Source: r.Source, Estimated: b.Estimated,
	}
}

// A DataDigest identifies an array that was sent: the sha256 of its msgpack form,
// after conversion; see tensors.Tensor.Digest.
type DataDigest struct {
	Name   string `json:"name"` // the caller's name for it
	Array  string `json:"array"`
	SHA256 string `json:"sha256"`
}

// digests lists the arrays that a plan sends.
func digests(p *transfer.Parcel) []DataDigest {
	var list []DataDigest
	for _, name := range p.Set.Names() {
		list = append(list, DataDigest{Name: p.Name(name), Array: p.Set[name].String(), SHA256: p.Digest(name)})
	}
	slices.SortFunc(list, func(a, b DataDigest) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Data returns the digests of the arrays that the plan sends. If the arrays exceed 1 MB
// together, it may have to compute the digests first.
func (p *Plan) Data() []DataDigest {
	if p.attached != nil {
		return p.attached.Data
	}
	return digests(p.parcel)
}

// receipt returns the receipt of the plan and of the model that came of it.
func (p *Plan) receipt(m *Model) Receipt {
	r := Receipt{
		RunID: p.RunID, JobID: m.JobID, StartEpoch: p.StartEpoch, Model: m.Spec, Hyperparameters: p.Hyperparameters,
		Data: p.Data(), Versions: versions(), Device: m.Device, Precision: m.Precision, Epochs: m.trained(), Seconds: m.Seconds,
		Bill: p.bill,
	}
	if m.HasWeights() {
		r.Weights = &m.Weights
	}
	if m.endpoint != nil {
		r.Endpoint = m.endpoint.ID
	}
	if from := p.options.From; from != nil {
		r.From = from.RunID
	}
	if p.attached != nil {
		r.From, r.Versions = p.attached.From, p.attached.Versions
	}
	if n := m.History.Len(); n > 0 {
		r.Last = &m.History.Records[n-1]
	}
	return r
}

// versions returns the versions of Go and of this module.
func versions() map[string]string {
	v := map[string]string{"go": runtime.Version()}
	const path = "github.com/gopherpod/gopherpod"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if m.Path == path && m.Version != "" {
				v["gopherpod"] = m.Version
			}
		}
	}
	return v
}
