package bench

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// digits is the quickstart's data.
func digits(b *testing.B) (x [][]float64, y []int) {
	b.Helper()
	f, err := os.Open("../notebooks/data/digits.csv")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		b.Fatal(err)
	}
	for _, row := range rows {
		numbers := make([]float64, len(row))
		for i, word := range row {
			if numbers[i], err = strconv.ParseFloat(word, 64); err != nil {
				b.Fatal(err)
			}
		}
		x, y = append(x, numbers[:64]), append(y, int(numbers[64]))
	}
	for _, image := range x {
		for i := range image {
			image[i] /= 16
		}
	}
	return x, y
}

const digitEpochs = 30

var digitModel = "linear 64\nrelu\nlinear 32\nrelu\nlinear 10"

// BenchmarkDigits trains the same network for the same epochs on the same engine,
// through the embedded endpoint, from the Go matrix to the decoded result:
//
//	OneJob                  one streamed job, binary arrays, mini-batches of 32
//	RequestPerEpoch         a request an epoch with JSON lists both ways, all samples
//	                        in one batch, as the predecessor did; this client waits
//	RequestPerEpochPolled   the same, asking for the status once a second as
//	                        RunPod's own SDK does
func BenchmarkDigits(b *testing.B) {
	x, y := digits(b)
	s, err := local.Start(b.Context(), local.Options{Handler: engine.Handler(engine.Options{})})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	client, err := runpod.New(runpod.Config{APIKey: runpod.Secret(s.Key()), BaseURL: s.BaseURL(), Limits: map[runpod.Op]runpod.Limit{runpod.OpRun: {}, runpod.OpStatus: {}, runpod.OpStream: {}}})
	if err != nil {
		b.Fatal(err)
	}
	endpoint := client.Endpoint("local")
	model, err := worker.ParseLayers("linear 64\nrelu\nlinear 32\nrelu\nlinear 10")
	if err != nil {
		b.Fatal(err)
	}
	rate := func(b *testing.B, epochs int) {
		b.ReportMetric(float64(b.N*epochs*len(x))/b.Elapsed().Seconds(), "samples/s")
	}
	b.Run("OneJob", func(b *testing.B) {
		const epochs = 30
		for b.Loop() {
			oneJob(b, endpoint, model, x, y, epochs)
		}
		rate(b, epochs)
	})
	perEpoch := func(b *testing.B, epochs int, call func(b *testing.B, r runpod.Request) json.RawMessage) {
		for b.Loop() {
			state := ""
			for range epochs {
				state = oneEpoch(b, call, model, x, y, state)
			}
		}
		rate(b, epochs)
	}
	b.Run("RequestPerEpoch", func(b *testing.B) {
		perEpoch(b, 10, func(b *testing.B, r runpod.Request) json.RawMessage {
			job, err := endpoint.Call(b.Context(), r)
			if err != nil {
				b.Fatal(err)
			}
			return job.Output
		})
	})
	b.Run("RequestPerEpochPolled", func(b *testing.B) {
		perEpoch(b, 3, func(b *testing.B, r runpod.Request) json.RawMessage {
			job, err := endpoint.Run(b.Context(), r)
			for err == nil && job.Output == nil {
				time.Sleep(time.Second)
				job, err = endpoint.Status(b.Context(), job.ID)
			}
			if err != nil {
				b.Fatal(err)
			}
			return job.Output
		})
	})
}

func oneJob(b *testing.B, endpoint *runpod.Endpoint, model *worker.ModelConfig, x [][]float64, y []int, epochs int) {
	features, err := tensors.FromAs(x, tensors.Float32)
	if err != nil {
		b.Fatal(err)
	}
	labels, err := tensors.From(y)
	if err != nil {
		b.Fatal(err)
	}
	text, err := tensors.EncodeSet(tensors.Set{"X": features, "y": labels}, tensors.CodecMsgpack)
	if err != nil {
		b.Fatal(err)
	}
	job, err := endpoint.Run(b.Context(), runpod.Request{Input: worker.Request{
		Operation: worker.OpTrain, Protocol: worker.Protocol, Model: model, Tensors: &worker.Tensors{Codec: tensors.CodecMsgpack, Data: text},
		TrainingData:    &worker.Dataset{Features: worker.Value{Tensor: "X"}, Labels: worker.Value{Tensor: "y"}},
		Hyperparameters: &worker.Hyperparameters{Epochs: epochs},
	}})
	if err != nil {
		b.Fatal(err)
	}
	var events worker.Collector
	for chunk, err := range endpoint.Stream(b.Context(), job.ID) {
		if err != nil {
			b.Fatal(err)
		}
		var e worker.Event
		if err := json.Unmarshal(chunk, &e); err != nil {
			b.Fatal(err)
		}
		if _, err := events.Add(e); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := events.Result(); err != nil {
		b.Fatal(err)
	}
}

func oneEpoch(b *testing.B, call func(*testing.B, runpod.Request) json.RawMessage, model *worker.ModelConfig, x [][]float64, y []int, state string) string {
	input := map[string]any{
		"operation": "train_epoch", "model_config": model, "training_data": map[string]any{"features": x, "labels": y},
		"hyperparameters": map[string]any{"optimizer": "adam", "learning_rate": 0.001, "loss_function": "cross_entropy"},
	}
	if state != "" {
		input["model_state"] = state
	}
	var answer worker.Response
	if err := json.Unmarshal(call(b, runpod.Request{Input: input}), &answer); err != nil {
		b.Fatal(err)
	}
	return answer.ModelState
}
