package local

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// TestQueueStories runs the stories of jobs in testdata/queue:
//
//	endpoint retention=30m state      a new endpoint; state: its jobs are on disk
//	worker w1 here                    a worker in this process; all others are attached over HTTP
//	submit a sync exec=1m ttl=1h bytes=5000 webhook
//	take w1 n=2                       w1 asks for jobs
//	ping w1 a b                       w1 is alive and has these jobs
//	stream w1 a, progress w1 a        what w1 reports of a: the next line
//	done w1 a, fail w1 a              the end of a: its output or error is the next line
//	unsent w1 a                       the connection broke while a was on its way to w1
//	lose w1                           the queue learns that w1 is gone
//	read a, cancel a, retry a, purge  what clients ask for
//	expire a 6s                       a status request with ?ttl=6000
//	pass 40s                          time passes
//	restart                           the process exits, and another one starts
//
// The answer shows what the caller got, what others were told, and the state of
// all jobs. After each command the test checks the queue's consistency.
func TestQueueStories(t *testing.T) {
	datadriven.Walk(t, "testdata/queue", func(t *testing.T, path string) {
		s := &story{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.said.Reset()
			s.do(t, d)
			s.showStops()
			s.showJobs()
			s.q.check(t)
			return s.said.String()
		})
		s.q.close()
	})
}

// A story is a queue and names for its jobs.
type story struct {
	opt   Options
	clock *storyClock
	q     *queue
	names []string          // of jobs, in the order of their submission
	ids   map[string]string // by name
	here  map[string]bool   // workers in this process
	said  strings.Builder
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(&s.said, format+"\n", args...) }

// name returns the name of the job with this id.
func (s *story) name(id string) string {
	for name, i := range s.ids {
		if i == id {
			return name
		}
	}
	return "unknown job " + id
}

// answer records the answer to a client or a worker.
func (s *story) answer(err error) {
	if err != nil {
		s.say("refused: %v", err)
	}
}

func (s *story) do(t *testing.T, d *datadriven.TestData) {
	if d.Cmd == "endpoint" {
		s.open(t, d)
		return
	}
	who := func(i int) string {
		if i >= len(d.CmdArgs) {
			t.Fatalf("%s: %s: want a name in place %d", d.Pos, d.Cmd, i+1)
		}
		return d.CmdArgs[i].Key
	}
	job := func(i int) string {
		id, ok := s.ids[who(i)]
		if !ok {
			t.Fatalf("%s: no job was submitted as %q", d.Pos, who(i))
		}
		return id
	}
	input := strings.TrimSpace(d.Input)
	switch d.Cmd {
	case "worker":
		s.here[who(0)] = d.HasArg("here")
	case "submit":
		s.submit(t, d, who(0))
	case "take":
		s.take(t, d, who(0))
	case "ping":
		var ids []string
		for i := 1; i < len(d.CmdArgs); i++ {
			ids = append(ids, job(i))
		}
		s.q.beat(who(0), ids, false)
	case "stream":
		s.answer(s.q.chunk(job(1), who(0), json.RawMessage(input), s.here[who(0)]))
	case "progress":
		s.answer(s.q.progress(job(1), who(0), json.RawMessage(input)))
	case "done":
		s.answer(s.q.finish(job(1), who(0), json.RawMessage(input), ""))
	case "fail":
		s.answer(s.q.finish(job(1), who(0), nil, input))
	case "unsent":
		s.q.untake(job(1), who(0))
	case "lose":
		s.q.dismiss(who(0))
	case "read":
		chunks, _, _, err := s.q.drain(job(0))
		s.answer(err)
		for _, c := range chunks {
			s.say("the stream has %s", c)
		}
	case "cancel":
		_, err := s.q.cancel(job(0))
		s.answer(err)
	case "retry":
		_, err := s.q.retry(job(0))
		s.answer(err)
	case "expire":
		s.q.expire(job(0), duration(t, who(1)))
	case "purge":
		s.say("%d removed", s.q.purge())
	case "pass":
		s.clock.pass(duration(t, who(0)))
	case "restart":
		s.q.close()
		s.begin(t)
	default:
		t.Fatalf("%s: unknown command %s", d.Pos, d.Cmd)
	}
}

// open starts with an endpoint that has no jobs.
func (s *story) open(t *testing.T, d *datadriven.TestData) {
	if s.q != nil {
		s.q.close()
	}
	s.clock = &storyClock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	s.names, s.ids, s.here = nil, map[string]string{}, map[string]bool{}
	opt := Options{Clock: s.clock}
	for _, a := range d.CmdArgs {
		var err error
		switch a.Key {
		case "state":
			opt.StateDir = t.TempDir()
		case "retention":
			opt.Retention = duration(t, a.Vals[0])
		case "sync-retention":
			opt.SyncRetention = duration(t, a.Vals[0])
		case "heartbeat":
			opt.HeartbeatTimeout = duration(t, a.Vals[0])
		case "max-queued":
			opt.MaxQueued, err = strconv.Atoi(a.Vals[0])
		case "max-bytes":
			opt.MaxBytes, err = strconv.ParseInt(a.Vals[0], 10, 64)
		case "overtime":
			opt.Unknown.Overtime = Status(a.Vals[0])
		default:
			t.Fatalf("%s: unknown option %s", d.Pos, a.Key)
		}
		if err != nil {
			t.Fatalf("%s: %s: %v", d.Pos, a.Key, err)
		}
	}
	var err error
	if s.opt, err = opt.withDefaults(); err != nil {
		t.Fatal(err)
	}
	s.begin(t)
}

// begin starts a queue, with the jobs on disk if there are any.
func (s *story) begin(t *testing.T) {
	s.q = newQueue(s.opt)
	s.q.ended = func(v view) {
		if v.sub.webhook != "" {
			s.say("the webhook of %s is told %s", s.name(v.id), v.status)
		}
	}
	if s.opt.StateDir != "" {
		if err := openJournal(s.opt.StateDir, "local", s.q); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *story) submit(t *testing.T, d *datadriven.TestData, name string) {
	sub := submission{input: json.RawMessage(`{"x":1}`)}
	for _, a := range d.CmdArgs[1:] {
		switch a.Key {
		case "sync":
			sub.sync = true
		case "webhook":
			sub.webhook = "http://127.0.0.1:1/"
		case "exec":
			sub.executionTimeout = duration(t, a.Vals[0])
		case "ttl":
			sub.ttl = duration(t, a.Vals[0])
		case "bytes":
			n, err := strconv.Atoi(a.Vals[0])
			if err != nil {
				t.Fatal(err)
			}
			sub.input = slices.Repeat([]byte(" "), n)
		default:
			t.Fatalf("%s: unknown option %s", d.Pos, a.Key)
		}
	}
	v, err := s.q.submit(sub)
	if err != nil {
		s.answer(err)
		return
	}
	s.ids[name] = v.id
	s.names = append(s.names, name)
}

func (s *story) take(t *testing.T, d *datadriven.TestData, worker string) {
	n := 1
	d.MaybeScanArgs(t, "n", &n)
	s.q.enlist(worker, !s.here[worker], "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // no command waits
	got := s.q.take(ctx, worker, n)
	if len(got) == 0 {
		s.say("%s gets nothing", worker)
	}
	for _, g := range got {
		name := s.name(g.id)
		s.say("%s gets %s after %v, retries %d", worker, name, time.Duration(g.delay)*time.Millisecond, g.retries)
		if s.here[worker] {
			s.q.handlerStarted(g.id, worker, func(cause error) { s.say("the handler of %s ends: %v", name, cause) })
		}
	}
}

// showStops records which jobs the attached workers were told to stop.
func (s *story) showStops() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.q.mu.Lock()
	var workers []string
	for id := range s.q.workers {
		workers = append(workers, id)
	}
	s.q.mu.Unlock()
	slices.Sort(workers)
	for _, w := range workers {
		for _, id := range s.q.awaitStops(ctx, w) {
			s.say("%s is told to stop %s", w, s.name(id))
		}
	}
}

// showJobs records what a client would learn about each job, in the order of submission.
func (s *story) showJobs() {
	var line []string
	s.q.mu.Lock()
	for e := s.q.waiting.Front(); e != nil; e = e.Next() {
		line = append(line, e.Value.(*job).id)
	}
	s.q.mu.Unlock()
	for _, name := range s.names {
		v, err := s.q.get(s.ids[name])
		if err != nil {
			s.say("%s: gone", name)
			continue
		}
		fmt.Fprintf(&s.said, "%s: %s", name, v.status)
		if v.status == StatusInQueue {
			fmt.Fprintf(&s.said, " %d", slices.Index(line, v.id)+1)
		}
		if v.worker != "" {
			fmt.Fprintf(&s.said, " at %s", v.worker)
		}
		if v.exec >= 0 {
			fmt.Fprintf(&s.said, " for %v", v.exec)
		}
		if v.retries > 0 {
			fmt.Fprintf(&s.said, ", retries %d", v.retries)
		}
		if len(v.output) > 0 {
			fmt.Fprintf(&s.said, ", output %s", v.output)
		}
		if v.failure != "" {
			fmt.Fprintf(&s.said, ", error %q", v.failure)
		}
		if v.unread {
			fmt.Fprint(&s.said, ", unread chunks")
		}
		s.said.WriteByte('\n')
	}
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A storyClock advances only when pass is called. Only one goroutine may use
// it.
type storyClock struct {
	now    time.Time
	timers []*storyTimer
}

type storyTimer struct {
	at time.Time
	f  func()
}

func (c *storyClock) Now() time.Time { return c.now }

func (c *storyClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	timer := &storyTimer{c.now.Add(d), f}
	c.timers = append(c.timers, timer)
	return func() bool { return c.remove(timer) }
}

func (c *storyClock) remove(timer *storyTimer) bool {
	i := slices.Index(c.timers, timer)
	if i >= 0 {
		c.timers = slices.Delete(c.timers, i, i+1)
	}
	return i >= 0
}

// pass moves the time forward by d and calls each function that becomes due, at
// its time.
func (c *storyClock) pass(d time.Duration) {
	end := c.now.Add(d)
	for {
		// If several are due at the same time, the one created first runs first.
		var next *storyTimer
		for _, timer := range c.timers {
			if next == nil || timer.at.Before(next.at) {
				next = timer
			}
		}
		if next == nil || next.at.After(end) {
			break
		}
		c.remove(next)
		c.now = next.at
		next.f()
	}
	c.now = end
}

var _ Clock = (*storyClock)(nil)
