package transfer_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/runpod/train/traintest"
	"github.com/gopherpod/gopherpod/runpod/transfer"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
)

// parcel returns a prediction request with an array of n numbers.
func parcel(t *testing.T, n int) *transfer.Parcel {
	t.Helper()
	x, err := tensors.New(tensors.Float32, n, 1)
	if err != nil {
		t.Fatal(err)
	}
	return &transfer.Parcel{
		Request: &worker.Request{Operation: worker.OpPredict, Protocol: worker.Protocol, RunID: "r", InputData: &worker.Dataset{Features: worker.Value{Tensor: "X"}}},
		Set:     tensors.Set{"X": x}, Names: map[string]string{"X": "Xnew"},
	}
}

// endpoint returns an endpoint whose worker supports the operation store.
func endpoint(t *testing.T) *runpod.Endpoint {
	t.Helper()
	return traintest.Workers(t, 1, engine.Handler(engine.Options{Store: engine.MemoryStore(1 << 30)}))
}

func lacks(kind worker.ErrorKind) error {
	return &worker.Error{Kind: kind, Message: "X"}
}

func TestSmallArraysTravelInside(t *testing.T) {
	p := parcel(t, 100)
	sends := 0
	err := transfer.New(t.Context(), endpoint(t), nil, 0).Send(t.Context(), p, func(r *worker.Request) error {
		sends++
		if r.Tensors == nil || r.InputData.Features.Tensor != "X" {
			t.Errorf("%+v", r)
		}
		return nil
	})
	if err != nil || sends != 1 {
		t.Error(sends, err)
	}
}

// Missing data is sent again; damaged data is removed first.
func TestSendAgain(t *testing.T) {
	for _, kind := range []worker.ErrorKind{worker.ErrMissing, worker.ErrDamaged} {
		dir := store.Dir(t.TempDir())
		p := parcel(t, 10_000)
		var lines []string
		ctx := transfer.WithLog(t.Context(), func(line string) { lines = append(lines, line) })
		sends := 0
		err := transfer.New(ctx, endpoint(t), dir, 1).Send(ctx, p, func(r *worker.Request) error {
			sends++
			if r.InputData.Features.SHA256 != p.Digest("X") || r.Tensors != nil {
				t.Errorf("the request does not refer to the array: %+v", r.InputData)
			}
			if sends > 1 {
				return nil
			}
			name, err := store.TensorName(p.Digest("X"))
			if err != nil {
				t.Fatal(err)
			}
			if kind == worker.ErrMissing {
				err = dir.Delete(t.Context(), name)
			} else {
				w := strings.NewReader("something else")
				err = errors.Join(dir.Delete(t.Context(), name), dir.Put(t.Context(), name, w, int64(w.Len())))
			}
			if err != nil {
				t.Fatal(err)
			}
			return lacks(kind)
		})
		if err != nil || sends != 2 {
			t.Fatalf("%s: %d sends, %v", kind, sends, err)
		}
		if len(lines) != 2 || !strings.HasPrefix(lines[0], "Xnew: ") || !strings.HasSuffix(lines[1], "because the worker had lost it") {
			t.Errorf("%s: %q", kind, lines)
		}
		if _, err := store.FetchTensor(t.Context(), dir, p.Digest("X"), store.Options{}); err != nil {
			t.Errorf("%s: the store does not hold the array: %v", kind, err)
		}
	}
}

// If no worker ever has the data that was sent, the data travels inside the request.
func TestWorkersShareNothing(t *testing.T) {
	p := parcel(t, 10_000)
	var inside []bool
	err := transfer.New(t.Context(), endpoint(t), nil, 1).Send(t.Context(), p, func(r *worker.Request) error {
		inside = append(inside, r.Tensors != nil)
		if r.Tensors == nil {
			return lacks(worker.ErrMissing)
		}
		return nil
	})
	if want := []bool{false, false, false, true}; err != nil || !slices.Equal(inside, want) {
		t.Errorf("%v, %v", inside, err)
	}
}

// Any other error is returned to the caller without a retry.
func TestOtherFailuresAreNotRetried(t *testing.T) {
	sends, why := 0, errors.New("no")
	err := transfer.New(t.Context(), endpoint(t), nil, 1).Send(t.Context(), parcel(t, 10_000), func(*worker.Request) error {
		sends++
		return why
	})
	if !errors.Is(err, why) || sends != 1 {
		t.Errorf("%d sends, %v", sends, err)
	}
}

// An array that several parts of a batch have is sent once.
func TestMerge(t *testing.T) {
	all := transfer.Merge([]*transfer.Parcel{parcel(t, 100), parcel(t, 100), parcel(t, 50)})
	if names := all.Set.Names(); !slices.Equal(names, []string{"0.X", "2.X"}) {
		t.Error(names)
	}
	r, err := all.Inside()
	if err != nil || len(r.Requests) != 3 || !strings.Contains(string(r.Requests[1]), `"0.X"`) {
		t.Errorf("%v: %s", err, r.Requests)
	}
}
