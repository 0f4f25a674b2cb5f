package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/gopherpod/gopherpod/worker"
)

// A request without a protocol gets the answer that the predecessor documented
// (docs/predecessor.md). What the engine adds to such an answer has a name that the
// predecessor did not use.

// drawSeed draws a seed for a request of the predecessor that needs one and has none, and
// returns it: for a training, and if there is no state. The seed of a request with a run_id
// follows from that, so that a job that is delivered twice has the same.
//
// A client that loops over train_epoch sends no seed. With the default of the contract, 0, each epoch
// would have the same order and the same dropout masks, and each train the same weights to begin
// with. The predecessor did not seed anything.
func drawSeed(r *worker.Request) *int64 {
	random := r.Operation == worker.OpTrain || r.Operation == worker.OpTrainEpoch || untrained(r)
	if r.Protocol != 0 || !random || r.Hyperparameters != nil && r.Hyperparameters.Seed != nil {
		return nil
	}
	h := worker.Hyperparameters{}
	if r.Hyperparameters != nil {
		h = *r.Hyperparameters
	}
	drawn := rand.Int64N(1 << 31)
	if r.RunID != "" {
		sum := sha256.Sum256([]byte(r.RunID))
		drawn = int64(binary.BigEndian.Uint32(sum[:]) >> 1)
	}
	h.Seed, r.Hyperparameters = &drawn, &h
	return h.Seed
}

// untrained reports whether a request uses a model without a state.
func untrained(r *worker.Request) bool {
	return (r.Operation == worker.OpEvaluate || r.Operation == worker.OpPredict) && r.ModelState == ""
}

// oldAnswer returns an answer as the predecessor gave it.
func oldAnswer(r *worker.Request, answer *worker.Response, drawn *int64) any {
	answer.Seed = drawn
	if untrained(r) {
		answer.Warning = "the request has no model_state, so the weights are random"
	}
	switch r.Operation {
	case worker.OpGPUInfo:
		maps.Copy(answer.GPUInfo, map[string]any{"pytorch_version": "none", "cuda_tests_status": "SKIPPED - No CUDA available"})
		maps.Copy(answer.BenchmarkResults, oldBenchmark(answer.BenchmarkResults))
	case worker.OpBenchmark:
		maps.Copy(answer.BenchmarkResults, oldBenchmark(answer.BenchmarkResults))
	case worker.OpTrainEpoch, worker.OpEvaluate:
		answer.Metrics.CUDAAvailable = new(false)
		if answer.Predictions != nil {
			return unlabelled(answer)
		}
	}
	return answer
}

// unlabelled returns the answer of an evaluate without labels: the metrics hold the
// predictions, and neither loss nor accuracy.
func unlabelled(answer *worker.Response) any {
	m, found := answer.Metrics, answer.Predictions
	answer.Predictions = nil
	return struct {
		*worker.Response
		Metrics any `json:"metrics"`
	}{answer, map[string]any{
		"predictions": found, "samples_processed": m.SamplesProcessed, "device_used": m.DeviceUsed, "cuda_available": m.CUDAAvailable,
	}}
}

// oldBenchmark returns what the predecessor reported about its product of two matrices.
func oldBenchmark(b map[string]any) map[string]any {
	size, spent := float64(b["matrix_size"].(int)), b["seconds"].(float64)/float64(b["products"].(int))
	operations := size * size * size / spent
	return map[string]any{
		"device": device, "cuda_available": false, "creation_time_ms": b["creation_seconds"].(float64) * 1000, "computation_time_ms": spent * 1000,
		"operations_per_second": operations, "benchmark_status": "COMPLETED", "performance_assessment": assess(operations),
	}
}

// assess judges a device without CUDA as the predecessor did: by the time of a product of two
// matrices of 2000 x 2000.
func assess(operations float64) string {
	if 2000*2000*2000/operations > 2 {
		return "CPU_LIKELY"
	}
	return "UNCLEAR"
}

// oldPredictions returns the class numbers of a classifier, and the outputs of another model.
// Without a loss function the predecessor's default applies, and a model with one output has
// no classes.
func oldPredictions(r *worker.Request, y []float32, n int, out []int) json.RawMessage {
	h := r.Hyperparameters.WithDefaults(r.Operation)
	if !worker.ClassLabels(h.LossFunction) || len(out) == 0 || out[0] < 2 {
		return appendList(nil, y, append([]int{n}, out...), appendNumber)
	}
	shape := append([]int{n}, out[1:]...)
	return appendList(nil, classNumbers(y, n, out), shape, func(b []byte, class int) []byte { return strconv.AppendInt(b, int64(class), 10) })
}

// classNumbers returns the index of the largest output along the first dimension of each
// sample. As in PyTorch, NaN counts as the largest.
func classNumbers(y []float32, n int, out []int) []int {
	rest := elements(out[1:])
	numbers := make([]int, n*rest)
	for i := range numbers {
		sample := y[i/rest*out[0]*rest:]
		at := func(class int) float64 { return float64(sample[class*rest+i%rest]) }
		for class := 1; class < out[0]; class++ {
			if best := at(numbers[i]); at(class) > best || math.IsNaN(at(class)) && !math.IsNaN(best) {
				numbers[i] = class
			}
		}
	}
	return numbers
}
