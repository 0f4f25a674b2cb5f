package train

import (
	"context"
	"fmt"
	"slices"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// answerBytes is how many bytes of predictions one answer may hold. They make an answer
// of 16 MB; the service refuses results above 20 MB.
const answerBytes = 12_000_000

// rowsAnAnswer returns how many rows of an output of that shape fit into one answer.
func rowsAnAnswer(output []int) int {
	n, ok := worker.Elements(output)
	if !ok {
		return 1
	}
	return max(answerBytes/(max(n, 1)*tensors.Float32.Size()), 1)
}

// predictSlices gets predictions that are larger than an answer by several jobs, one after
// the other, each for some of the rows of x.
func (m *Model) predictSlices(ctx context.Context, r *worker.Request, name string, x tensors.Tensor, rows int) (tensors.Tensor, error) {
	var all tensors.Tensor
	for from := 0; from < x.Rows(); from += rows {
		to := min(from+rows, x.Rows())
		part, err := x.SliceRows(from, to)
		if err != nil {
			return all, err
		}
		one := *r
		one.RunID = NewRunID()
		t, err := m.predictRows(ctx, &one, fmt.Sprintf("%s, rows %d to %d", name, from, to-1), part, false)
		if err != nil {
			return all, err
		}
		if from == 0 {
			all = tensors.Tensor{DType: t.DType, Shape: slices.Clone(t.Shape), Data: make([]byte, 0, len(t.Data)/to*x.Rows())}
			all.Shape[0] = x.Rows()
		}
		if t.DType != all.DType || !slices.Equal(t.Shape[1:], all.Shape[1:]) {
			return all, fmt.Errorf("train: predict: %w: %v for rows from %d, and %v before", ErrResult, t, from, all)
		}
		all.Data = append(all.Data, t.Data...)
	}
	return all, nil
}
