package local

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A model restates the queue's contract in the simplest way: a list of jobs
// and, for each, the effects of time.
type model struct {
	workers [3]int // how often each was replaced
	opt     Options
	jobs    []*modelJob
}

type modelJob struct {
	id                      string
	status                  Status
	sync                    bool
	created, started, ended time.Time
	beat                    time.Time
	exec, ttl               time.Duration
	retries                 int
	worker                  string
	gone                    bool
	chunks                  int
}

func (m *model) find(id string) *modelJob {
	for _, j := range m.jobs {
		if j.id == id && !j.gone {
			return j
		}
	}
	return nil
}

func (m *model) deadline(j *modelJob) time.Time {
	if j.status.Terminal() {
		if j.sync {
			return j.ended.Add(m.opt.SyncRetention)
		}
		return j.ended.Add(m.opt.Retention)
	}
	d := j.created.Add(j.ttl)
	if j.status == StatusInProgress {
		for _, o := range []time.Time{j.started.Add(j.exec), j.beat.Add(m.opt.HeartbeatTimeout)} {
			if o.Before(d) {
				d = o
			}
		}
	}
	return d
}

// pass applies what happens until now.
func (m *model) pass(now time.Time) {
	for _, j := range m.jobs {
		for !j.gone {
			at := m.deadline(j)
			if at.After(now) {
				break
			}
			switch {
			case j.status.Terminal() || !j.created.Add(j.ttl).After(at):
				j.gone = true
			case !j.started.Add(j.exec).After(at):
				j.end(at, StatusTimedOut)
				m.replace(j.worker)
			case j.retries == 1:
				j.end(at, StatusFailed)
			default:
				j.retries, j.status, j.chunks = 1, StatusInQueue, 0
			}
		}
	}
}

// replace gives a worker another id, because a worker whose job exceeded its
// executionTimeout gets no more jobs.
func (m *model) replace(worker string) {
	for i := range m.workers {
		if m.name(i) == worker {
			m.workers[i]++
		}
	}
}

func (m *model) name(i int) string { return fmt.Sprintf("w%d-%d", i, m.workers[i]) }

func (j *modelJob) end(at time.Time, s Status) { j.status, j.ended = s, at }

func (j *modelJob) mine(worker string) bool {
	return j != nil && j.worker == worker && !j.status.Terminal()
}

// step does one random thing to the queue and to the model.
func (m *model) step(t *testing.T, r *rand.Rand, q *queue) string {
	now := time.Now()
	var id string
	if len(m.jobs) > 0 {
		id = m.jobs[max(0, len(m.jobs)-1-r.IntN(20))%len(m.jobs)].id
	}
	j := m.find(id)
	w := m.name(r.IntN(len(m.workers)))
	switch k := r.IntN(14); k {
	case 0, 1, 2:
		sub := submission{input: json.RawMessage(`{"a":1}`), sync: r.IntN(3) == 0,
			executionTimeout: time.Duration(5+r.IntN(200)) * time.Second, ttl: time.Duration(10+r.IntN(1000)) * time.Second}
		v, err := q.submit(sub)
		if err != nil {
			t.Fatal(err)
		}
		m.jobs = append(m.jobs, &modelJob{id: v.id, status: StatusInQueue, sync: sub.sync, created: now, exec: sub.executionTimeout, ttl: sub.ttl})
		return "submit " + v.id
	case 3, 4, 5:
		q.enlist(w, true, "")
		q.mu.Lock()
		got := q.takeLocked(w, 1+r.IntN(2))
		q.mu.Unlock()
		waiting := 0
		for _, j := range m.jobs {
			if !j.gone && j.status == StatusInQueue {
				waiting++
			}
		}
		if len(got) == 0 && waiting > 0 {
			t.Fatalf("%d jobs wait and none was delivered", waiting)
		}
		for _, d := range got {
			j := m.find(d.id)
			if j == nil || j.status != StatusInQueue || d.retries != j.retries {
				t.Fatalf("delivered %+v, the model has %+v", d, j)
			}
			j.status, j.worker, j.started, j.beat = StatusInProgress, w, now, now
		}
		return fmt.Sprint(w, " takes ", len(got))
	case 6:
		err := q.finish(id, w, nil, []string{"", "failed"}[r.IntN(2)])
		if (err != nil) != (j == nil) {
			t.Fatal(err)
		}
		if j.mine(w) {
			v, _ := q.get(id)
			j.end(now, v.status)
			if !v.status.Terminal() {
				t.Fatalf("finish left %s", v.status)
			}
		}
		return w + " finishes " + id
	case 7:
		q.chunk(id, w, json.RawMessage(`1`), false)
		if j.mine(w) && j.status == StatusInProgress {
			j.chunks++
			j.beat = now
		}
		return w + " yields " + id
	case 8:
		q.progress(id, w, json.RawMessage(`1`))
		if j.mine(w) && j.status == StatusInProgress {
			j.beat = now
		}
		return w + " progress " + id
	case 9:
		q.beat(w, []string{id}, false)
		if j.mine(w) && j.status == StatusInProgress {
			j.beat = now
		}
		return w + " pings " + id
	case 10:
		q.cancel(id)
		if j != nil && !j.status.Terminal() {
			j.end(now, StatusCancelled)
		}
		return "cancel " + id
	case 11:
		_, err := q.retry(id)
		can := j != nil && (j.status == StatusFailed || j.status == StatusTimedOut)
		if can != (err == nil) {
			t.Fatalf("retry of %+v: %v", j, err)
		}
		if can {
			j.status, j.retries, j.worker, j.chunks, j.created = StatusInQueue, 0, "", 0, now
		}
		return "retry " + id
	case 12:
		chunks, _, _, err := q.drain(id)
		if (err == nil) != (j != nil) || j != nil && len(chunks) != j.chunks {
			t.Fatalf("drain: %d chunks, %v; the model has %+v", len(chunks), err, j)
		}
		if j != nil {
			j.chunks = 0
		}
		return "drain " + id
	default:
		if r.IntN(20) > 0 {
			return "nothing"
		}
		n := q.purge()
		for _, j := range m.jobs {
			if !j.gone && j.status == StatusInQueue {
				j.gone = true
				n--
			}
		}
		if n != 0 {
			t.Fatalf("purge removed %d too many", n)
		}
		return "purge"
	}
}

// agree compares every job with the queue's and checks the queue's consistency.
func (m *model) agree(t *testing.T, q *queue, did string) {
	t.Helper()
	alive := 0
	for _, j := range m.jobs {
		v, err := q.get(j.id)
		if (err != nil) != j.gone {
			t.Fatalf("after %q: %s: %v, the model has %+v", did, j.id, err, j)
		}
		if j.gone {
			continue
		}
		alive++
		if v.status != j.status || v.retries != j.retries {
			t.Fatalf("after %q: %s is %s with %d retries, the model has %+v", did, j.id, v.status, v.retries, j)
		}
	}
	q.check(t)
	if h := q.health(); h.Jobs.InQueue+h.Jobs.InProgress > alive {
		t.Fatalf("%+v but %d jobs", h, alive)
	}
}

// check verifies that the queue's parts are consistent.
func (q *queue) check(t *testing.T) {
	t.Helper()
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting, ended, size := 0, 0, 0
	for id, j := range q.jobs {
		if size += j.counted; j.counted != j.bytes() {
			t.Fatalf("%s %s: %d bytes are counted as %d", id, j.status, j.bytes(), j.counted)
		}
		if (j.done != nil) != j.status.Terminal() {
			t.Fatalf("%s is %s, among the ended: %v", id, j.status, j.done != nil)
		} else if j.done != nil {
			ended++
		}
		if id != j.id || (j.element != nil) != (j.status == StatusInQueue) {
			t.Fatalf("%s: %s, in the queue %v", id, j.status, j.element != nil)
		}
		if j.status == StatusInQueue {
			waiting++
		}
		for _, w := range q.workers {
			if has := w.jobs[id] != nil; has != (j.status == StatusInProgress && j.worker == w.id) {
				t.Fatalf("%s is %s with %q, worker %s has it: %v", id, j.status, j.worker, w.id, has)
			}
		}
	}
	if ended != q.done.Len() || int64(size) != q.size {
		t.Fatalf("%d ended, %d in line; %d bytes, counted %d", ended, q.done.Len(), size, q.size)
	}
	if waiting != q.waiting.Len() {
		t.Fatalf("%d jobs wait, %d are in the queue", waiting, q.waiting.Len())
	}
	for id, w := range q.workers {
		for job := range w.jobs {
			if q.jobs[job] == nil {
				t.Fatalf("worker %s has %s, which is gone", id, job)
			}
		}
	}
}

func TestQueueAgainstModel(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			opt, err := Options{}.withDefaults()
			if err != nil {
				t.Fatal(err)
			}
			q := newQueue(opt)
			m := &model{opt: opt}
			r := rand.New(rand.NewPCG(seed, 1))
			for range 400 {
				did := m.step(t, r, q)
				m.agree(t, q, did)
				if r.IntN(4) == 0 {
					d := time.Duration(r.IntN(int(20 * time.Second)))
					time.Sleep(d)
					synctest.Wait()
					m.pass(time.Now())
					m.agree(t, q, fmt.Sprint(d, " passed"))
				}
			}
			time.Sleep(48 * time.Hour)
			if n := len(q.list()); n != 0 {
				t.Errorf("seed %d: %d jobs are left for ever", seed, n)
			}
			q.close()
		})
	}
}

// Workers, clients and cancels at once: every job ends, and none is delivered
// twice while its worker lives.
func TestQueueConcurrently(t *testing.T) {
	s := newServer(t, Options{Handler: echo, Workers: 4})
	q := s.ep.q
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	running := sync.Map{}
	for i := range 4 {
		wg.Go(func() {
			id := fmt.Sprintf("attached%d", i)
			q.enlist(id, true, "")
			for ctx.Err() == nil {
				for _, d := range q.take(ctx, id, 2) {
					if _, twice := running.LoadOrStore(d.id, id); twice {
						t.Errorf("%s was delivered twice", d.id)
					}
					q.chunk(d.id, id, json.RawMessage(`1`), false)
					q.finish(d.id, id, json.RawMessage(`1`), "")
				}
			}
		})
	}
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			for n := range 100 {
				v, err := q.submit(submission{input: json.RawMessage(`{"yield":2,"value":1}`)})
				if err != nil {
					t.Error(err)
					return
				}
				if (n+i)%7 == 0 {
					q.cancel(v.id)
				}
				v, err = q.await(ctx, v.id, terminal)
				if err != nil || v.status != StatusCompleted && v.status != StatusCancelled {
					t.Errorf("%+v %v", v, err)
				}
				q.drain(v.id)
			}
		})
	}
	clients.Wait()
	cancel()
	wg.Wait()
	q.check(t)
	if h := q.health(); h.Jobs.InQueue+h.Jobs.InProgress != 0 || h.Jobs.Failed != 0 {
		t.Errorf("%+v", h)
	}
}
