package pytorch_test

import (
	"errors"
	"os"
	"reflect"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker/local"
)

// Trainings on workers that are killed, behind an endpoint whose answers fail, are cut and are
// truncated, which delivers jobs twice and refuses results: a training that succeeds has the
// weights of one that nothing disturbed, and any other ends with an error that says what may
// have been billed. GOPHERPOD_LOAD is the number of jobs of TestLoad in worker/local, of which
// this is a twentieth.
func TestLoadOfTrainings(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("GOPHERPOD_LOAD"))
	if err != nil {
		t.Skip("GOPHERPOD_LOAD is not set: it is the number of jobs")
	}
	n /= 20
	e := newEndpoint(t, local.Options{HeartbeatTimeout: 8 * time.Second, VisibleAfter: 300 * time.Millisecond, Limits: map[string]local.Limit{}})
	kills := []func(){e.attach("w0"), e.attach("w1"), e.attach("w2")}
	x, y := points(60)
	fit := func(seed int) (*train.Model, error) {
		return train.Fit(t.Context(), train.Layers("linear 8\nrelu\nlinear 3"), train.Data{X: x, Y: y},
			train.Options{Epochs: 3, BatchSize: 16, Seed: train.Seed(int64(seed)), Precision: "fp32", Endpoint: client(t, e.Server)})
	}
	const seeds = 4
	var want [seeds]*train.Model
	for seed := range want {
		if want[seed], err = fit(seed); err != nil {
			t.Fatal(err)
		}
	}
	var faults []local.Fault
	for _, op := range []string{"run", "status", "stream", "job-take", "job-done", "job-stream"} {
		for i, f := range []local.Fault{
			{Kind: local.FaultStatus, Status: 502, After: true}, {Kind: local.FaultCut}, {Kind: local.FaultCut, After: true}, {Kind: local.FaultTruncate},
		} {
			f.Op, f.Skip, f.Count = op, 3+7*i, max(n/50, 1)
			faults = append(faults, f)
		}
	}
	for i, kind := range []local.FaultKind{local.FaultLostResult, local.FaultDuplicate, local.FaultMute} {
		faults = append(faults, local.Fault{Kind: kind, Skip: 5 + 3*i, Count: max(n/50, 1)})
	}
	if err := e.Inject(faults...); err != nil {
		t.Fatal(err)
	}
	before := e.Health().Jobs
	var mu sync.Mutex
	ended := map[string]int{}
	numbers := make(chan int)
	var clients sync.WaitGroup
	begin := time.Now()
	for range 4 {
		clients.Go(func() {
			for i := range numbers {
				m, err := fit(i % seeds)
				how := "the same weights"
				switch {
				case errors.Is(err, runpod.ErrUnknownOutcome):
					how = "in doubt"
				case errors.Is(err, runpod.ErrJobFailed):
					how = "lost its workers"
				case err != nil:
					how = err.Error()
				case !sameWeights(t, m, want[i%seeds]):
					how = "other weights"
				}
				mu.Lock()
				ended[how]++
				mu.Unlock()
			}
		})
	}
	for i := range n {
		if i == n/3 || i == 2*n/3 {
			k := i * len(kills) / n
			kills[k]()
			kills[k] = e.attach("again" + strconv.Itoa(k))
		}
		numbers <- i
	}
	close(numbers)
	clients.Wait()
	h := e.Health().Jobs
	t.Logf("%d trainings in %.1f s, %d faults of which %d are left, 2 workers killed: %v; %d retries", n, time.Since(begin).Seconds(), len(faults), len(e.Faults()), ended, h.Retried-before.Retried)
	if ended["the same weights"] < n/2 || ended["the same weights"]+ended["in doubt"]+ended["lost its workers"] != n {
		t.Error(ended)
	}
}

func sameWeights(t *testing.T, a, b *train.Model) bool {
	t.Helper()
	x, err := a.StateDict()
	if err != nil {
		t.Error(err)
		return false
	}
	y, err := b.StateDict()
	if err != nil {
		t.Error(err)
	}
	return reflect.DeepEqual(x, y)
}
