package local

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/worker"
)

// runnerPause is the pause before a worker that exited by itself is replaced, so
// that a worker that cannot start is not restarted in a tight loop.
const runnerPause = time.Second

// A pool starts and stops the workers that this server manages for an endpoint.
type pool struct {
	srv     *Server
	ep      *endpoint
	handler worker.Handler
	runner  Runner

	mu      sync.Mutex
	scaling Scaling
	cancels map[string]context.CancelFunc
}

// run adjusts the number of workers until ctx is done, and then stops them.
func (p *pool) run(ctx context.Context) {
	var workers sync.WaitGroup
	defer workers.Wait()
	for ctx.Err() == nil {
		d := p.ep.q.scale(p.rules())
		for _, id := range d.retire {
			p.end(id)
		}
		for range d.start {
			id := newWorkerID()
			wctx, cancel := context.WithCancel(ctx)
			p.mu.Lock()
			p.cancels[id] = cancel
			p.mu.Unlock()
			p.ep.q.hire(id, p.runner != nil)
			workers.Go(func() {
				defer p.end(id)
				p.work(wctx, id)
			})
		}
		p.sleep(ctx, d.next)
	}
}

// sleep waits until the queue changes, next is reached or ctx is done.
func (p *pool) sleep(ctx context.Context, next time.Time) {
	var alarm chan struct{}
	if !next.IsZero() {
		alarm = make(chan struct{})
		stop := p.srv.opt.Clock.AfterFunc(max(next.Sub(p.srv.opt.Clock.Now()), 0), func() { close(alarm) })
		defer stop()
	}
	select {
	case <-p.ep.q.kick:
	case <-alarm:
	case <-ctx.Done():
	}
}

func (p *pool) rules() Scaling {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.scaling
}

func (p *pool) setRules(s Scaling) {
	p.mu.Lock()
	p.scaling = s.withDefaults()
	p.mu.Unlock()
	p.ep.q.nudge()
}

func (p *pool) end(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if cancel := p.cancels[id]; cancel != nil {
		cancel()
		delete(p.cancels, id)
	}
}

// work runs one worker from start to end.
func (p *pool) work(ctx context.Context, id string) {
	q := p.ep.q
	defer q.dismiss(id)
	p.ep.logs.add(id, "system", "worker is created")
	defer p.ep.logs.add(id, "system", "worker is removed")
	p.srv.opt.Log.Info("a worker starts", "worker", id, "endpoint", p.ep.id)
	defer p.srv.opt.Log.Info("a worker has ended", "worker", id, "endpoint", p.ep.id)
	if q.awaitCapacity(ctx, id) != nil || pause(ctx, p.srv.opt.Clock, p.rules().ColdStart) != nil {
		return
	}
	if p.runner != nil {
		err := p.runner(ctx, Process{id, p.srv.workerEnv(p.ep.id, id), &lineWriter{logs: p.ep.logs, workerID: id}})
		if ctx.Err() == nil {
			p.srv.opt.Log.Warn("a worker ended", "worker", id, "err", err)
			p.ep.logs.add(id, "system", fmt.Sprint("worker exited: ", err))
			q.setState(id, workerUnhealthy)
			pause(ctx, p.srv.opt.Clock, runnerPause)
		}
		return
	}
	q.setState(id, workerReady)
	p.ep.logs.add(id, "system", "worker is ready")
	for ctx.Err() == nil {
		for _, d := range q.take(ctx, id, 1) {
			p.ep.logs.add(id, "container", "started job "+d.id)
			p.srv.runInProcess(q, p.handler, id, d)
			p.ep.logs.add(id, "container", "finished job "+d.id)
		}
	}
}
