package sweep

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/runpod/train/traintest"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/local"
)

// best runs a searcher on a function, some trials at once, and returns the least value.
func best(t *testing.T, method string, seed int64, space []Dimension, trials int, f func(Point) float64) float64 {
	t.Helper()
	s, n, err := newSearcher(space, Options{Method: method, Trials: trials, Workers: 4, Seed: train.Seed(seed)})
	if err != nil {
		t.Fatal(err)
	}
	least, values := math.Inf(1), make([]float64, n)
	for i := range n {
		values[i] = f(s.point(i, values[:s.needs(i)]))
		least = min(least, values[i])
	}
	return least
}

// The methods that learn find the valleys of known functions better than chance does.
func TestMethodsLearn(t *testing.T) {
	numbers := dimensions(t, "x=-5..5.", "y=log(1e-4,1)", "z=-5..5.")
	bowl := func(p Point) float64 {
		x, y, z := p["x"].(float64), math.Log10(p["y"].(float64))+2, p["z"].(float64)
		return (x-2)*(x-2) + 4*y*y + (z+1)*(z+1)
	}
	mixed := dimensions(t, "x=-5..5.", "kind=[a,b,c,d]", "n=1..20")
	branin := func(p Point) float64 {
		k := map[any]float64{"a": 3, "b": 0, "c": 5, "d": 2}[p["kind"]]
		n := float64(p["n"].(int)) - 13
		x := p["x"].(float64) - 1
		return k + x*x + n*n/10
	}
	for _, c := range []struct {
		method string
		space  []Dimension
		f      func(Point) float64
		trials int
	}{{MethodTPE, numbers, bowl, 80}, {MethodTPE, mixed, branin, 60}, {MethodCMAES, numbers, bowl, 120}} {
		wins, sum, chance := 0, 0.0, 0.0
		for seed := range int64(10) {
			a, b := best(t, c.method, seed, c.space, c.trials, c.f), best(t, MethodRandom, seed, c.space, c.trials, c.f)
			if a < b {
				wins++
			}
			sum, chance = sum+a, chance+b
		}
		t.Logf("%s: wins %d of 10, %.3f against %.3f on average", c.method, wins, sum/10, chance/10)
		if wins < 6 || sum > chance/2 {
			t.Errorf("%s: wins %d of 10, %.3f against %.3f", c.method, wins, sum/10, chance/10)
		}
	}
	for text, want := range map[string]string{"o=[adam,sgd]": "tpe takes words too", "n=[3,1]": "wants them from small to large"} {
		if _, _, err := newSearcher(dimensions(t, text), Options{Method: MethodCMAES, Workers: 1, Seed: train.Seed(1)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Error(err)
		}
	}
}

// A valley is a worker whose loss after an epoch follows from the learning rate, and
// which needs the time pause(lr) for an epoch.
func valley(pause func(lr float64) time.Duration) worker.Handler {
	return func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		r, err := worker.DecodeRequest(job.Input)
		if err != nil {
			return nil, err
		}
		lr := r.Hyperparameters.LearningRate
		f := &traintest.Worker{Each: func(ctx context.Context, epoch int) error {
			select {
			case <-time.After(pause(lr)):
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}}
		f.Spoil = func(e *worker.Event) *worker.Event {
			if e.Epoch != nil {
				d := math.Log10(lr) + 2
				e.Epoch.Loss = worker.Number(d*d + 1/float64(e.Epoch.Epoch))
			}
			return e
		}
		return f.Handle(ctx, job, yield)
	}
}

// inMemory starts an endpoint without sockets.
func inMemory(t *testing.T, workers int, h worker.Handler) *runpod.Endpoint {
	t.Helper()
	_, e := traintest.InMemory(t, local.Options{Handler: h, Workers: workers})
	return e
}

// 200 trials on 8 workers take no more than 1.1 times what 8 workers need for them.
func TestManyTrialsTakeTheirTime(t *testing.T) {
	for _, method := range []string{MethodRandom, MethodTPE} {
		synctest.Test(t, func(t *testing.T) {
			X, y := traintest.Blobs(30)
			var worked atomic.Int64
			ep := inMemory(t, 8, valley(func(lr float64) time.Duration {
				d := time.Duration(20+20*math.Mod(lr*1e6, 1)) * time.Second // a trial takes 40 to 80 s
				worked.Add(int64(d))
				return d
			}))
			begin := time.Now()
			r, err := Run(t.Context(), twoLayers, train.Data{X: X, Y: y}, train.Options{Endpoint: ep, Epochs: 2, Seed: train.Seed(1)},
				dimensions(t, "lr=log(1e-4,1)"), Options{Trials: 200, Workers: 8, Method: method})
			if err != nil || len(r.Trials) != 200 {
				t.Fatal(r, err)
			}
			for _, trial := range r.Trials {
				if trial.Err != nil {
					t.Fatal(trial.Err)
				}
			}
			took, ideal := time.Since(begin), time.Duration(worked.Load()/8)
			t.Logf("%s: %v, ideal %v: %.3f", method, took, ideal, float64(took)/float64(ideal))
			if float64(took) > 1.1*float64(ideal) {
				t.Errorf("%s: %v, ideal %v", method, took, ideal)
			}
		})
	}
}

// told returns what has to be the same when a sweep is repeated.
func told(r *Result) []string {
	var all []string
	for _, t := range r.Trials {
		all = append(all, fmt.Sprint(t.Number, t.Point, strconv.FormatFloat(t.Value, 'g', -1, 64), t.Stopped, t.Model.History.Len()))
	}
	return append(all, fmt.Sprint("best ", r.Best))
}

// Whatever the speed of its workers, a sweep with a seed chooses the same points and
// stops the same trials, and stopping saves most epochs.
func TestSweepRepeats(t *testing.T) {
	for _, method := range Methods() {
		var before []string
		for run := range uint64(3) {
			synctest.Test(t, func(t *testing.T) {
				X, y := traintest.Blobs(30)
				random := rand.New(rand.NewPCG(run, 1))
				lock := make(chan bool, 1)
				ep := inMemory(t, 4, valley(func(float64) time.Duration {
					lock <- true
					defer func() { <-lock }()
					return time.Duration(1+random.IntN(20)) * time.Second
				}))
				r, err := Run(t.Context(), twoLayers, train.Data{X: X, Y: y}, train.Options{Endpoint: ep, Epochs: 9, Seed: train.Seed(5)},
					dimensions(t, "lr=log(1e-4,1)", "weight_decay=log(1e-4,1e-1)"), Options{Trials: 24, Workers: 4, Method: method, Halving: &Halving{}})
				if err != nil {
					t.Fatal(err)
				}
				stopped, epochs := 0, 0
				for _, trial := range r.Trials {
					if trial.Err != nil {
						t.Errorf("%s: %v", method, trial.Err)
					}
					if trial.Stopped > 0 {
						stopped++
					}
					epochs += trial.Model.History.Len()
				}
				if got := told(r); before != nil && !reflect.DeepEqual(got, before) {
					t.Errorf("%s: run %d differs:\n%s\n\n%s", method, run, strings.Join(got, "\n"), strings.Join(before, "\n"))
				} else {
					before = got
				}
				if method != MethodGrid && (stopped < 8 || r.BestModel() == nil || !r.BestModel().HasWeights()) {
					t.Errorf("%s: %d stopped, %d epochs of %d", method, stopped, epochs, 9*24)
				}
			})
		}
	}
}

// A sweep that ended continues from its journal: the trials in it are not run
// again.
func TestSweepJournal(t *testing.T) {
	X, y := traintest.Blobs(30)
	var jobs atomic.Int64
	h := valley(func(float64) time.Duration { return 0 })
	ep := traintest.Workers(t, 3, func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		jobs.Add(1)
		return h(ctx, job, yield)
	})
	path := filepath.Join(t.TempDir(), "search.jsonl")
	sweep := func(ctx context.Context, seed int64, on func(TrialResult)) (*Result, error) {
		return Run(ctx, twoLayers, train.Data{X: X, Y: y}, train.Options{Endpoint: ep, Epochs: 3, Seed: train.Seed(seed)},
			dimensions(t, "lr=log(1e-4,1)", "batch_size=[8,16]"), Options{Trials: 20, Workers: 3, Method: MethodTPE, Journal: path, OnTrial: on, Halving: &Halving{Factor: 2}})
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("crash")
	n := 0
	_, err := sweep(ctx, 3, func(TrialResult) {
		if n++; n == 12 {
			cancel(why)
		}
	})
	if !errors.Is(err, why) {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	kept := bytes.Count(b, []byte(`"value":`))
	if err := os.WriteFile(path, append(b, `{"number":15,"po`...), 0o600); err != nil { // torn
		t.Fatal(err)
	}
	jobs.Store(0)
	again := 0
	r, err := sweep(t.Context(), 3, func(tr TrialResult) {
		if tr.Again {
			again++
		}
	})
	if err != nil || len(r.Trials) != 20 || again < 12 || again != kept || jobs.Load() > int64(20-kept) { // some had ended unnoticed
		t.Fatalf("%v; %d kept, %d taken, %d jobs", err, kept, again, jobs.Load())
	}
	if m := r.BestModel(); m == nil || !m.HasWeights() {
		t.Error(m)
	}
	whole := told(r)
	jobs.Store(0)
	r, err = sweep(t.Context(), 3, nil)
	if err != nil || jobs.Load() != 0 || !reflect.DeepEqual(told(r), whole) || !r.BestModel().HasWeights() {
		t.Errorf("%v, %d jobs\n%s\n%s", err, jobs.Load(), told(r), whole)
	}
	if err := os.Remove(bestPath(path)); err != nil {
		t.Fatal(err)
	}
	r, err = sweep(t.Context(), 3, nil)
	if err != nil || jobs.Load() != 0 || !reflect.DeepEqual(told(r), whole) || !r.BestModel().HasWeights() { // the endpoint has its job's result
		t.Errorf("without the weights: %v, %d jobs\n%s\n%s", err, jobs.Load(), told(r), whole)
	}
	if _, err := sweep(t.Context(), 4, nil); err == nil || !strings.Contains(err.Error(), "belongs to another sweep") {
		t.Error(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if r, err = sweep(t.Context(), 3, nil); err != nil || !reflect.DeepEqual(told(r), whole) {
		t.Errorf("without a journal before: %v\n%s\n%s", err, told(r), whole)
	}
}

// The next process follows the jobs that run when a process dies, and does not
// submit them again. The same holds for a job whose answer the dead process did not
// receive.
func TestSweepKilled(t *testing.T) {
	const env = "GOPHERPOD_TEST_SWEEP"
	X, y := traintest.Blobs(30)
	sweep := func(ep *runpod.Endpoint, path string) (*Result, error) {
		return Run(t.Context(), twoLayers, train.Data{X: X, Y: y}, train.Options{Endpoint: ep, Epochs: 3, Seed: train.Seed(1)}, dimensions(t, "lr=log(1e-4,1)"), Options{Trials: 12, Workers: 3, Journal: path})
	}
	if given := os.Getenv(env); given != "" { // this is the process that dies
		var to struct{ URL, Key, Endpoint, Journal string }
		if err := json.Unmarshal([]byte(given), &to); err != nil {
			t.Fatal(err)
		}
		c, err := runpod.New(runpod.Config{BaseURL: to.URL, APIKey: runpod.Secret(to.Key)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = sweep(c.Endpoint(runpod.EndpointID(to.Endpoint)), to.Journal)
		t.Fatal("it was to be killed", err)
	}
	var mu sync.Mutex
	jobs := map[string]int{} // by run
	reached := make(chan struct{})
	go1 := make(chan struct{})
	h := valley(func(float64) time.Duration { return 0 })
	s, endpoint := traintest.Start(t, local.Options{Workers: 3, Limits: map[string]local.Limit{}, Handler: func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		r, err := worker.DecodeRequest(job.Input)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		jobs[r.RunID]++
		n := len(jobs)
		mu.Unlock()
		if n == 7 {
			close(reached)
		}
		if n >= 5 {
			select {
			case <-go1: // these run when the process dies
			case <-ctx.Done():
			}
		}
		return h(ctx, job, yield)
	}})
	path := filepath.Join(t.TempDir(), "search.jsonl")
	given, _ := json.Marshal(map[string]string{"URL": s.BaseURL(), "Key": s.Key(), "Endpoint": s.EndpointID(), "Journal": path})
	child := exec.Command(os.Args[0], "-test.run=^TestSweepKilled$")
	child.Env = append(os.Environ(), env+"="+string(given))
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	<-reached
	var b []byte
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) { // until the journal has the ids of all jobs
		var err error
		if b, err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		begun := 0
		for line := range bytes.Lines(b) {
			if bytes.Contains(line, []byte(`"begun":true`)) && bytes.Contains(line, []byte(`"job_id"`)) && bytes.HasSuffix(line, []byte("\n")) {
				begun++
			}
		}
		if begun == 7 || time.Now().After(end) {
			break
		}
	}
	child.Process.Kill()
	child.Wait()
	// As if it had died before it received the answer that the last job was
	// accepted.
	lines := bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n"))
	if last := lines[len(lines)-1]; !bytes.Contains(last, []byte(`"begun":true`)) || !bytes.Contains(last, []byte(`"job_id"`)) {
		t.Fatalf("the journal ends with %s", last)
	}
	close(go1)
	r, err := sweep(endpoint, path)
	if err != nil || len(r.Trials) != 12 || !r.BestModel().HasWeights() {
		t.Fatalf("%v, %d trials", err, len(r.Trials))
	}
	if len(jobs) != 12 {
		t.Errorf("%d runs", len(jobs))
	}
	for run, n := range jobs {
		if n != 1 {
			t.Errorf("run %s was paid for %d times", run, n)
		}
	}
	// If the journal does not have a trial's job id, the trial is submitted under its
	// run's id, by which a worker recognizes it.
	var cut []byte
	for _, line := range lines[:len(lines)-1] {
		cut = append(append(cut, line...), '\n')
	}
	if err := os.WriteFile(path, cut, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(bestPath(path)); err != nil {
		t.Fatal(err)
	}
	if r, err = sweep(endpoint, path); err != nil || len(r.Trials) != 12 {
		t.Fatalf("%v, %d trials", err, len(r.Trials))
	}
	var l beginning
	if err := json.Unmarshal(lines[len(lines)-1], &l); err != nil || jobs[l.RunID] != 2 {
		t.Errorf("%v: %d jobs of run %s", err, jobs[l.RunID], l.RunID)
	}
}

// MaxCost limits what all jobs together can cost, and MaxTime which trials begin.
func TestSweepCaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		X, y := traintest.Blobs(30)
		ep := inMemory(t, 4, valley(func(float64) time.Duration { return 10 * time.Second }))
		rate := train.Rate{Pool: "ADA_24", GPUs: 1, Hourly: 3.6} // a tenth of a cent a second
		run := func(s Options) *Result {
			s.Trials, s.Workers = 100, 4
			r, err := Run(t.Context(), twoLayers, train.Data{X: X, Y: y}, train.Options{Endpoint: ep, Epochs: 2, Seed: train.Seed(1)}, dimensions(t, "lr=log(1e-4,1)"), s)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		r := run(Options{MaxCost: 0.4, Rate: rate}) // 400 s: 20 trials of 20 s
		if n := len(r.Trials); n < 14 || n > 20 || rate.Cost(r.Time) > 0.4 || !strings.Contains(r.Ended, "what is left of $0.40") {
			t.Errorf("%d trials, %v, %s", n, r.Time, r.Ended)
		}
		r = run(Options{MaxTime: time.Minute})
		if n := len(r.Trials); n < 8 || n > 16 || r.Ended != "the time of 1m0s is over" {
			t.Errorf("%d trials, %s", n, r.Ended)
		}
	})
}

// The cap holds with the starts and idle times of the workers, and a budget refuses a sweep
// that may cost more, before anything is sent.
func TestSweepBill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		t.Chdir(t.TempDir())
		X, y := traintest.Blobs(30)
		const price = 3.6 // a tenth of a cent a second
		work := valley(func(float64) time.Duration { return 10 * time.Second })
		_, e := traintest.InMemory(t, local.Options{Handler: work, PricePerHour: price, Scaling: &local.Scaling{Max: 4, ColdStart: 30 * time.Second, IdleTimeout: 20 * time.Second}})
		rate := train.Rate{Pool: "ADA_24", GPUs: 1, Hourly: price, Start: 40 * time.Second, Idle: 20 * time.Second}
		run := func(s Options) (*Result, error) {
			s.Trials, s.Workers, s.Rate = 100, 4, rate
			return Run(t.Context(), twoLayers, train.Data{X: X, Y: y}, train.Options{Endpoint: e, Epochs: 2, Seed: train.Seed(1), Rate: rate}, dimensions(t, "lr=log(1e-4,1)"), s)
		}
		r, err := run(Options{MaxCost: 0.6})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // the workers have stopped
		now := time.Now()
		list, err := e.Client().Management().Billing(t.Context(), runpod.BillingQuery{Start: now.AddDate(0, 0, -1), End: now, Bucket: "day"})
		if err != nil {
			t.Fatal(err)
		}
		billed := 0.0
		for _, b := range list {
			billed += b.TotalAmount
		}
		if n := len(r.Trials); n < 8 || billed > 0.6 || math.Abs(r.Dollars-billed) > 0.03 {
			t.Errorf("%d trials for $%v, the service bills $%v: %s", n, r.Dollars, billed, r.Ended)
		}
		for _, c := range []struct{ name, value, want string }{
			{budget.EnvDay, "0", "it is 0"},
			{budget.EnvHour, "14", "workers cost $14.40 an hour, and $14.00 is the most"}, // four of them
		} {
			t.Setenv(c.name, c.value)
			if _, err := run(Options{MaxCost: 0.6}); !errors.Is(err, budget.ErrRefused) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", c.name, err)
			}
			t.Setenv(c.name, "")
		}
	})
}

// FuzzJournal: a journal is read from disk, so it may hold anything.
func FuzzJournal(f *testing.F) {
	f.Add([]byte(`{"number":3,"point":{"lr":0.01,"o":"adam"},"value":0.5,"stopped":1,"epochs":9,"rungs":[0.5],"seconds":1,"history":[{"epoch":1}]}`))
	f.Add([]byte(`{"number":1,"point":{"lr":0.01,"o":"sgd"},"value":"Infinity","failed":"no"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		space := dimensions(t, "lr=log(1e-4,1)", "o=[adam,sgd]")
		h, err := newHalving(&Halving{}, 2)
		if err != nil {
			t.Fatal(err)
		}
		w := &sweep{spec: twoLayers, halving: h, begun: map[int]train.Resume{}, result: Result{Space: space, Best: -1}, values: make([]float64, 5), done: make([]bool, 5),
			s: Options{Journal: filepath.Join(t.TempDir(), "none")}}
		trial, ok, err := w.again(line)
		if err != nil || !ok {
			return
		}
		w.takeAgain([]TrialResult{trial, trial})
		h.begin(4, 9, func(error) {})
		h.report(4, 1, 0.1)
		h.end(4)
		w.result.Importance()
	})
}
