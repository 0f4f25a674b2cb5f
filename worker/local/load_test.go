//go:build unix

package local

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
)

// loadJobs is how many jobs TestLoad submits unless GOPHERPOD_LOAD says otherwise.
const loadJobs = 160

// Many jobs on 8 workers with both versions of RunPod's SDK, while workers are killed,
// connections are cut, answers fail or are truncated, jobs are visible late, heartbeats and
// results are lost. Each accepted job ends in a state that is accounted for, no job is
// submitted twice, no execution is uncounted, and at the end the endpoint has as many open
// files, goroutines and as little memory as before.
func TestLoad(t *testing.T) {
	pythons := []string{python(t), pythonSDK2(t)}
	jobs := loadJobs
	if n, err := strconv.Atoi(os.Getenv("GOPHERPOD_LOAD")); err == nil {
		jobs = n
	}
	l := newLoad(t, jobs)
	var workers []*loadWorker
	for i := range 8 {
		workers = append(workers, l.work(pythons[i%2], i))
	}
	survivors := workers[:2] // one with each SDK
	for _, w := range survivors {
		w.files, w.memory = l.measured(w)
	}
	begin := time.Now()
	done := make(chan struct{})
	go func() { defer close(done); l.submit(32) }()
	kills := max(jobs/100, 2)
	for k := range kills {
		l.await(done, func() bool { return l.s.Health().Jobs.Completed >= (k+1)*jobs/(kills+2) })
		i := 2 + k%6
		workers[i].kill()
		workers[i] = l.work(pythons[i%2], 8+k)
	}
	<-done
	l.await(nil, func() bool { h := l.s.Health().Jobs; return h.InQueue+h.InProgress == 0 })
	took := time.Since(begin)
	l.check(kills, took)
	for i, w := range survivors {
		files, memory := l.measured(w)
		t.Logf("worker %d: %d open files, then %d; %d MB, then %d", i, w.files, files, w.memory>>20, memory>>20)
		if files > w.files+20 || memory > w.memory+64<<20 {
			t.Errorf("worker %d has grown", i)
		}
	}
	for _, w := range workers {
		w.kill()
	}
	l.checkLeft()
}

// A load is a run of TestLoad.
type load struct {
	t         *testing.T
	jobs      int
	s         *Server
	clock     *SkipClock
	transport *http.Transport
	ep        *runpod.Endpoint
	file      string // a line for each execution
	faults    []Fault

	files, goroutines int // before
	heap              uint64

	mu    sync.Mutex
	ended map[string][]int     // numbers of jobs, by how they ended for the client
	ids   map[runpod.JobID]int // their numbers
}

func newLoad(t *testing.T, jobs int) *load {
	l := &load{t: t, jobs: jobs, clock: &SkipClock{}, transport: &http.Transport{MaxIdleConnsPerHost: 64},
		file: filepath.Join(t.TempDir(), "executions"), ended: map[string][]int{}, ids: map[runpod.JobID]int{}}
	var err error
	l.s, err = Start(t.Context(), Options{Clock: l.clock, HeartbeatTimeout: 6 * time.Second, VisibleAfter: 300 * time.Millisecond, Limits: map[string]Limit{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.s.Close() })
	free := map[runpod.Op]runpod.Limit{}
	for _, op := range []runpod.Op{runpod.OpRun, runpod.OpStatus, runpod.OpStream, runpod.OpCancel, runpod.OpHealth} {
		free[op] = runpod.Limit{}
	}
	client, err := runpod.New(runpod.Config{APIKey: runpod.Secret(l.s.Key()), BaseURL: l.s.BaseURL(), Transport: l.transport, Limits: free,
		PollMin: 20 * time.Millisecond, PollMax: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	l.ep = client.Endpoint(runpod.EndpointID(l.s.EndpointID()))
	if _, err := l.ep.Health(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.transport.CloseIdleConnections()
	runtime.GC()
	l.files, l.goroutines, l.heap = openFiles(t, os.Getpid()), runtime.NumGoroutine(), heap()
	l.faults = storm(max(jobs/200, 1))
	if err := l.s.Inject(l.faults...); err != nil {
		t.Fatal(err)
	}
	return l
}

// storm returns faults of all kinds for the operations of clients and workers, each n times,
// a few requests apart.
func storm(n int) (all []Fault) {
	for _, op := range []string{"run", "status", "stream", "cancel", "job-take-batch", "job-done", "job-stream", "ping"} {
		for i, f := range []Fault{
			{Kind: FaultStatus, Status: 429}, {Kind: FaultStatus, Status: 502}, {Kind: FaultStatus, Status: 502, After: true},
			{Kind: FaultCut}, {Kind: FaultCut, After: true}, {Kind: FaultTruncate}, {Kind: FaultSlow, DelayMS: 200},
		} {
			if op == "cancel" && i > 2 {
				break // there are few of them
			}
			for k := range n {
				f.Op, f.Skip = op, 5+3*i+23*k
				if op == "cancel" { // every other request, because the client tries only five times
					f.Skip = 2 * (i + 3*k)
				}
				all = append(all, f)
			}
		}
	}
	for _, kind := range []FaultKind{FaultMute, FaultDuplicate, FaultLostResult} {
		for k := range n {
			all = append(all, Fault{Kind: kind, Skip: 11 + 17*k})
		}
	}
	return all
}

// A loadWorker is a worker process with the heartbeat process of its SDK.
type loadWorker struct {
	kill          func() // as a machine is lost
	pid           int
	files, memory int
}

func (l *load) work(py string, number int) *loadWorker {
	cmd := exec.Command(py, filepath.Join("testdata", "sdk_worker.py"))
	cmd.Env = append(os.Environ(), l.s.WorkerEnv(fmt.Sprintf("load-%d", number))...)
	cmd.Env = append(cmd.Env, "HANDLER=load", "HOME="+l.t.TempDir(), "EXECUTIONS_FILE="+l.file)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	w := &loadWorker{pid: cmd.Process.Pid}
	w.kill = sync.OnceFunc(func() {
		_ = syscall.Kill(-w.pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	l.t.Cleanup(w.kill)
	return w
}

// submit runs all jobs from n goroutines, and notes how each ended for its client.
func (l *load) submit(n int) {
	numbers := make(chan int)
	var clients sync.WaitGroup
	for range n {
		clients.Go(func() {
			for i := range numbers {
				how := l.job(i)
				l.mu.Lock()
				l.ended[how] = append(l.ended[how], i)
				l.mu.Unlock()
			}
		})
	}
	for i := range l.jobs {
		numbers <- i
	}
	close(numbers)
	clients.Wait()
}

// job submits a job and follows it to its end, one in two by its stream. It cancels one in 40.
func (l *load) job(n int) (how string) {
	ctx := l.t.Context()
	job, err := l.ep.Run(ctx, runpod.Request{Input: map[string]int{"n": n}})
	if errors.Is(err, runpod.ErrUnknownOutcome) {
		return "in doubt"
	}
	if err != nil {
		return err.Error()
	}
	l.mu.Lock()
	l.ids[job.ID] = n
	l.mu.Unlock()
	if n%40 == 7 {
		if _, err := l.ep.Cancel(ctx, job.ID); err != nil && !errors.Is(err, runpod.ErrConflict) && !errors.Is(err, runpod.ErrBadRequest) {
			return err.Error()
		}
	}
	if n%2 == 0 {
		for _, err := range l.ep.Stream(ctx, job.ID) {
			if err != nil {
				return "stream: " + err.Error()
			}
		}
	}
	switch job, err = l.ep.Wait(ctx, job.ID); {
	case errors.Is(err, runpod.ErrJobCancelled):
		return "cancelled"
	case errors.Is(err, runpod.ErrJobFailed) && strings.Contains(err.Error(), lostError):
		return "lost its workers"
	case err != nil:
		return err.Error()
	case job.Output == nil:
		return "completed without output"
	}
	var got []map[string]int
	if json.Unmarshal(job.Output, &got) != nil || !reflect.DeepEqual(got, []map[string]int{{"n": n, "part": 0}, {"n": n, "part": 1}}) {
		return "wrong output " + string(job.Output)
	}
	return "completed"
}

// await waits until a condition holds, or until done is closed.
func (l *load) await(done <-chan struct{}, holds func() bool) {
	for deadline := time.Now().Add(10 * time.Minute); !holds(); {
		select {
		case <-done:
			return
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("the jobs do not end: %+v; %v", l.s.Health(), l.ended)
		}
	}
}

// check compares what the clients saw, what the endpoint counted and what the handlers did.
func (l *load) check(kills int, took time.Duration) {
	known := []string{"completed", "completed without output", "cancelled", "lost its workers", "in doubt"}
	counts := map[string]int{}
	how := map[int]string{}
	for state, numbers := range l.ended {
		counts[state] = len(numbers)
		for _, n := range numbers {
			how[n] = state
		}
	}
	executed := l.executions()
	byNumber := map[int][]view{}
	retries, executions := 0, 0
	nameless := 0 // jobs in doubt that were never executed
	for _, v := range l.s.ep.q.list() {
		retries += v.retries
		if n, ok := l.ids[runpod.JobID(v.id)]; ok {
			byNumber[n] = append(byNumber[n], v)
		} else {
			nameless++
		}
	}
	if nameless > counts["in doubt"] {
		l.t.Errorf("%d jobs are of no client, %d are in doubt", nameless, counts["in doubt"])
	}
	uncounted, emptied, doubtful := 0, 0, 0
	for n := range l.jobs {
		views := byNumber[n]
		executions += executed[n]
		if len(views) == 0 && how[n] == "in doubt" && executed[n] == 0 {
			continue // it was not accepted
		}
		if len(views) != 1 {
			l.t.Errorf("job %d (%s) was submitted %d times", n, how[n], len(views))
			continue
		}
		v := views[0]
		uncounted += max(executed[n]-v.retries-1, 0)
		switch {
		case how[n] == "in doubt":
			doubtful++
		case v.status == StatusCompleted && v.output == nil:
			emptied++
		}
		want := map[string]Status{"completed": StatusCompleted, "completed without output": StatusCompleted, "cancelled": StatusCancelled, "lost its workers": StatusFailed}[how[n]]
		if !v.status.Terminal() || how[n] != "in doubt" && v.status != want {
			l.t.Errorf("job %d (%s) is %s", n, how[n], v.status)
		}
		if v.status == StatusFailed && (v.failure != lostError || v.retries != maxRetries) {
			l.t.Errorf("job %d failed after %d retries: %s", n, v.retries, v.failure)
		}
	}
	h := l.s.Health().Jobs
	left := map[FaultKind]int{}
	for _, f := range l.s.Faults() {
		left[f.Kind]++
	}
	per := max(l.jobs/200, 1)
	l.t.Logf("%d jobs in %.1f s (%.1f a second), %d faults of which %d are left, %d workers killed: %v; %d of those in doubt were accepted; %d executions, %d counted retries, %d duplicates",
		l.jobs, took.Seconds(), float64(l.jobs)/took.Seconds(), len(l.faults), len(l.s.Faults()), kills, counts, doubtful, executions, h.Retried, uncounted)
	for state := range counts {
		if !slices.Contains(known, state) {
			l.t.Errorf("%d jobs ended with: %s", counts[state], state)
		}
	}
	if uncounted > per-left[FaultDuplicate] {
		l.t.Errorf("%d executions are not counted as retries, and %d jobs were delivered twice", uncounted, per-left[FaultDuplicate])
	}
	if retries != h.Retried {
		l.t.Errorf("the jobs have %d retries, and the endpoint counts %d", retries, h.Retried)
	}
	if emptied > per-left[FaultLostResult] {
		l.t.Errorf("%d jobs are completed without output, %d results were refused", emptied, per-left[FaultLostResult])
	}
	if counts["completed"] < l.jobs/2 {
		l.t.Errorf("%d of %d jobs are completed", counts["completed"], l.jobs)
	}
}

// executions returns how often the handlers began each job. It learns the ids of jobs whose
// client does not know that they were accepted.
func (l *load) executions() map[int]int {
	f, err := os.Open(l.file)
	if err != nil {
		l.t.Fatal(err)
	}
	defer f.Close()
	n := map[int]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		number, id, _ := strings.Cut(lines.Text(), " ")
		i, err := strconv.Atoi(number)
		if err != nil {
			l.t.Fatal(err)
		}
		n[i]++
		l.ids[runpod.JobID(id)] = i
	}
	return n
}

// checkLeft compares what is in use when the jobs are forgotten with what was in use at first.
func (l *load) checkLeft() {
	l.transport.CloseIdleConnections()
	l.clock.Skip(time.Hour)
	var files, goroutines int
	var bytes uint64
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		runtime.GC()
		files, goroutines, bytes = openFiles(l.t, os.Getpid()), runtime.NumGoroutine(), heap()
		if files <= l.files+2 && goroutines <= l.goroutines+4 && bytes <= l.heap+4<<20 {
			break
		}
		if time.Now().After(deadline) {
			l.t.Errorf("more is in use than at first")
			break
		}
	}
	l.t.Logf("%d open files, %d goroutines, %.1f MB of heap; at first %d, %d, %.1f", files, goroutines, float64(bytes)/(1<<20), l.files, l.goroutines, float64(l.heap)/(1<<20))
	if n := len(l.s.ep.q.list()); n != 0 {
		l.t.Errorf("%d jobs are left", n)
	}
}

// measured waits until a worker polls, and returns its open files and resident bytes.
func (l *load) measured(w *loadWorker) (files, memory int) {
	l.await(nil, func() bool { h := l.s.Health().Workers; return h.Ready+h.Running >= 8 })
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", w.pid))
	if err != nil {
		return 0, 0 // not Linux
	}
	var size, resident int
	if _, err := fmt.Sscan(string(b), &size, &resident); err != nil {
		l.t.Fatal(err)
	}
	return openFiles(l.t, w.pid), resident * os.Getpagesize()
}

func openFiles(t *testing.T, pid int) int {
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil && runtime.GOOS == "linux" {
		t.Fatal(err)
	}
	return len(list)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
