package bench

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
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

// BenchmarkDigits trains the same network for the same epochs on the same engine:
// as one streamed job with binary arrays and mini-batches of 32, and as the
// predecessor did, with a request an epoch, JSON lists both ways, all samples in
// one batch. What is timed runs from the Go matrix to the decoded result; the
// transport, which the second way pays for each epoch, is left out of both.
func BenchmarkDigits(b *testing.B) {
	x, y := digits(b)
	handler := engine.Handler(engine.Options{})
	model, err := worker.ParseLayers(digitModel)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("OneJob", func(b *testing.B) {
		for b.Loop() {
			oneJob(b, handler, model, x, y)
		}
		b.ReportMetric(float64(b.N*digitEpochs*len(x))/b.Elapsed().Seconds(), "samples/s")
	})
	b.Run("RequestPerEpoch", func(b *testing.B) {
		for b.Loop() {
			state := ""
			for range digitEpochs {
				state = oneEpoch(b, handler, model, x, y, state)
			}
		}
		b.ReportMetric(float64(b.N*digitEpochs*len(x))/b.Elapsed().Seconds(), "samples/s")
	})
}

func oneJob(b *testing.B, handler worker.Handler, model *worker.ModelConfig, x [][]float64, y []int) {
	features, err := tensors.FromAs(x, tensors.Float32)
	if err != nil {
		b.Fatal(err)
	}
	labels, err := tensors.From(y)
	if err != nil {
		b.Fatal(err)
	}
	text, err := tensors.EncodeSet(tensors.Set{"X": features, "y": labels}, "msgpack")
	if err != nil {
		b.Fatal(err)
	}
	input, err := json.Marshal(worker.Request{
		Operation: worker.OpTrain, Protocol: worker.Protocol, Model: model, Tensors: &worker.Tensors{Codec: "msgpack", Data: text},
		TrainingData:    &worker.Dataset{Features: worker.Value{Tensor: "X"}, Labels: worker.Value{Tensor: "y"}},
		Hyperparameters: &worker.Hyperparameters{Epochs: digitEpochs},
	})
	if err != nil {
		b.Fatal(err)
	}
	var events worker.Collector
	_, err = handler(context.Background(), worker.Job{Input: input}, func(chunk json.RawMessage) error {
		var e worker.Event
		if err := json.Unmarshal(chunk, &e); err != nil {
			return err
		}
		_, err := events.Add(e)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := events.Result(); err != nil {
		b.Fatal(err)
	}
}

func oneEpoch(b *testing.B, handler worker.Handler, model *worker.ModelConfig, x [][]float64, y []int, state string) string {
	request := map[string]any{
		"operation": "train_epoch", "model_config": model, "training_data": map[string]any{"features": x, "labels": y},
		"hyperparameters": map[string]any{"optimizer": "adam", "learning_rate": 0.001, "loss_function": "cross_entropy"},
	}
	if state != "" {
		request["model_state"] = state
	}
	input, err := json.Marshal(request)
	if err != nil {
		b.Fatal(err)
	}
	output, err := handler(context.Background(), worker.Job{Input: input}, nil)
	if err != nil {
		b.Fatal(err)
	}
	var answer worker.Response
	if err := json.Unmarshal(output, &answer); err != nil {
		b.Fatal(err)
	}
	return answer.ModelState
}
