package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

const digitsNet = train.Layers("linear 128\nrelu\nlinear 64\nrelu\nlinear 10")

func trainEndpoint(b *testing.B) (*local.Server, *runpod.Endpoint) {
	b.Helper()
	s, err := local.Start(b.Context(), local.Options{Handler: engine.Handler(engine.Options{})})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	client, err := runpod.New(runpod.Config{BaseURL: s.BaseURL(), APIKey: runpod.Secret(s.Key())})
	if err != nil {
		b.Fatal(err)
	}
	return s, client.Endpoint(runpod.EndpointID(s.EndpointID()))
}

// BenchmarkTrainDigits is the quickstart's training by the typed call: all epochs
// in one job, the data sent once. With a step for each epoch, batch=all, it does
// the same computation as the predecessor's way below.
func BenchmarkTrainDigits(b *testing.B) {
	X, y := digits(b)
	for _, c := range []struct {
		name          string
		epochs, batch int
	}{
		{"batch=32", 30, 32},
		{"batch=all", 300, len(y)},
	} {
		b.Run(c.name, func(b *testing.B) {
			_, endpoint := trainEndpoint(b)
			for b.Loop() {
				m, err := train.Fit(b.Context(), digitsNet, train.Data{X: X, Y: y}, train.Options{
					Epochs: c.epochs, BatchSize: c.batch, LearningRate: 0.002, Seed: train.Seed(7), Endpoint: endpoint,
				})
				if err != nil || m.History.Len() != c.epochs {
					b.Fatal(m, err)
				}
			}
			b.ReportMetric(float64(b.N*c.epochs*len(y))/b.Elapsed().Seconds(), "samples/s")
		})
	}
}

// BenchmarkTrainEpochRequests is the predecessor's way on the same endpoint and
// engine: a request for each epoch with the data as JSON lists and the model's
// state both ways, and the job's status polled, each second by default as RunPod's
// Python SDK does.
func BenchmarkTrainEpochRequests(b *testing.B) {
	X, y := digits(b)
	for _, way := range []struct {
		name string
		poll time.Duration
	}{
		{"poll=1ms", time.Millisecond},
		{"poll=1s", time.Second},
	} {
		b.Run(way.name, func(b *testing.B) {
			s, _ := trainEndpoint(b)
			p := predecessor{b: b, base: s.BaseURL() + "/" + s.EndpointID(), key: s.Key(), poll: way.poll}
			state := ""
			for b.Loop() {
				state = p.epoch(X, y, state)
			}
			b.ReportMetric(float64(b.N*len(y))/b.Elapsed().Seconds(), "samples/s")
		})
	}
}

// BenchmarkTrainEpochRequestsSDK is the same with RunPod's Python SDK as the client
// (predecessor.py), which GOPHERPOD_PYTHON has. Ten epochs an iteration.
func BenchmarkTrainEpochRequestsSDK(b *testing.B) {
	python := os.Getenv("GOPHERPOD_PYTHON")
	if python == "" {
		b.Skip("GOPHERPOD_PYTHON names a Python with RunPod's SDK")
	}
	const epochs = 10
	for _, way := range []string{"run_sync", "run"} {
		b.Run(way, func(b *testing.B) {
			s, _ := trainEndpoint(b)
			seconds := 0.0
			for b.Loop() {
				data, err := os.Open("../notebooks/data/digits.csv")
				if err != nil {
					b.Fatal(err)
				}
				cmd := exec.Command(python, "predecessor.py", s.BaseURL(), s.EndpointID(), s.Key(), strconv.Itoa(epochs), way)
				cmd.Stdin = data
				out, err := cmd.CombinedOutput()
				data.Close()
				if err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
				took, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
				if err != nil {
					b.Fatal(err)
				}
				seconds += took
			}
			b.ReportMetric(float64(b.N*epochs*1797)/seconds, "samples/s")
		})
	}
}

// predecessor sends what the predecessor's client sent.
type predecessor struct {
	b         *testing.B
	base, key string
	poll      time.Duration
}

func (p predecessor) epoch(X [][]float64, y []int, state string) string {
	layer := func(in, out int) map[string]any {
		return map[string]any{"type": "linear", "in_features": in, "out_features": out}
	}
	relu := map[string]any{"type": "relu"}
	input := map[string]any{
		"operation":       "train_epoch",
		"model_config":    map[string]any{"type": "sequential", "layers": []any{layer(64, 128), relu, layer(128, 64), relu, layer(64, 10)}},
		"training_data":   map[string]any{"features": X, "labels": y},
		"hyperparameters": map[string]any{"optimizer": "adam", "learning_rate": 0.002, "loss_function": "cross_entropy"},
	}
	if state != "" {
		input["model_state"] = state
	}
	var job struct {
		ID     string
		Status string
		Output struct {
			ModelState string `json:"model_state"`
		}
		Error any
	}
	p.do("POST", "/run", map[string]any{"input": input}, &job)
	id := job.ID
	for job.Status != "COMPLETED" {
		if job.Status == "FAILED" {
			p.b.Fatal(job.Error)
		}
		time.Sleep(p.poll)
		p.do("GET", "/status/"+id, nil, &job)
	}
	return job.Output.ModelState
}

func (p predecessor) do(method, path string, body, answer any) {
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			p.b.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, p.base+path, in)
	if err != nil {
		p.b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.key)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.b.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		p.b.Fatal(fmt.Errorf("%s %s: %s", method, path, resp.Status))
	}
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		p.b.Fatal(err)
	}
}

// BenchmarkFirstMetric is the time from the call to the first epoch's figures, and
// BenchmarkPredict a call of a trained model for all images.
func BenchmarkFirstMetric(b *testing.B) {
	X, y := digits(b)
	_, endpoint := trainEndpoint(b)
	var total time.Duration
	for b.Loop() {
		begin, seen := time.Now(), false
		_, err := train.Fit(b.Context(), digitsNet, train.Data{X: X, Y: y}, train.Options{Epochs: 1, Endpoint: endpoint, OnEvent: func(e train.Event) {
			if e.Epoch != nil && !seen {
				total, seen = total+time.Since(begin), true
			}
		}})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(total.Milliseconds())/float64(b.N), "ms-to-first-metric")
}

func BenchmarkPredict(b *testing.B) {
	X, y := digits(b)
	_, endpoint := trainEndpoint(b)
	m, err := train.Fit(b.Context(), digitsNet, train.Data{X: X, Y: y}, train.Options{Epochs: 1, Endpoint: endpoint})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := m.Predict(X); err != nil {
			b.Fatal(err)
		}
	}
}
