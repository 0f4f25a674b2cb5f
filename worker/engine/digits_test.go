package engine

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// digits reads the quickstart's data: 1,797 images of 8x8, values 0 to 16, and
// the digit in the last column.
func digits(t testing.TB) (x [][]float32, y []int64) {
	t.Helper()
	f, err := os.Open("../../notebooks/data/digits.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		numbers := make([]float32, len(row))
		for i, word := range row {
			v, err := strconv.ParseFloat(word, 32)
			if err != nil {
				numbers = nil // the header
				break
			}
			numbers[i] = float32(v) / 16
		}
		if numbers != nil {
			x, y = append(x, numbers[:64]), append(y, int64(numbers[64]*16))
		}
	}
	return x, y
}

func TestDigits(t *testing.T) {
	x, y := digits(t)
	if len(x) != 1797 {
		t.Fatalf("%d images", len(x))
	}
	features, _ := tensors.From(x)
	labels, _ := tensors.From(y)
	text, err := tensors.EncodeSet(tensors.Set{"X": features, "y": labels}, "msgpack")
	if err != nil {
		t.Fatal(err)
	}
	model, err := worker.ParseLayers("linear 64\nrelu\nlinear 32\nrelu\nlinear 10")
	if err != nil {
		t.Fatal(err)
	}
	seed := int64(42)
	begun := time.Now()
	result, _, err := runJob(t, Handler(Options{}), worker.Request{
		Operation: worker.OpTrain, Protocol: 1, Model: model, Tensors: &worker.Tensors{Codec: "msgpack", Data: text},
		TrainingData:    &worker.Dataset{Features: worker.Value{Tensor: "X"}, Labels: worker.Value{Tensor: "y"}},
		Hyperparameters: &worker.Hyperparameters{Epochs: 30, Seed: &seed, ValidationSplit: 0.2},
	})
	if err != nil {
		t.Fatal(err)
	}
	last := result.History[29]
	t.Logf("30 epochs in %v: loss %.4f, validation accuracy %.4f", time.Since(begun).Round(time.Millisecond), last.Loss, *last.ValAccuracy)
	if *last.ValAccuracy < 0.95 {
		t.Errorf("validation accuracy %v", *last.ValAccuracy)
	}
	resolved, _ := json.Marshal(result.Model)
	if !strings.Contains(string(resolved), `"in_features":64`) || result.Parameters != 64*64+64+64*32+32+32*10+10 {
		t.Errorf("%s, %d parameters", resolved, result.Parameters)
	}
}
