package rt

import (
	"context"
	"runtime/pprof"
	"sync"
	"time"
)

// Lock replaces mu.Lock().
func Lock(mu *sync.Mutex) {
	if !mu.TryLock() {
		wait(waitKey{mu, false}, mu.Lock, mu.Unlock)
	}
}

// LockRW replaces mu.Lock() of an RWMutex.
func LockRW(mu *sync.RWMutex) {
	if !mu.TryLock() {
		wait(waitKey{mu, false}, mu.Lock, mu.Unlock)
	}
}

// RLock replaces mu.RLock().
func RLock(mu *sync.RWMutex) {
	if !mu.TryRLock() {
		wait(waitKey{mu, true}, mu.RLock, mu.RUnlock)
	}
}

// WaitGroup replaces wg.Wait().
func WaitGroup(wg *sync.WaitGroup) { wait(waitKey{wg, false}, wg.Wait, func() {}) }

// relockTime is how long an interrupted wait for a condition may take to reacquire its
// lock, which the caller's deferred functions unlock.
const relockTime = 50 * time.Millisecond

// CondWait replaces c.Wait(). An interrupt wakes everything that waits for the
// condition; the waiters check it and wait again.
func CondWait(c *sync.Cond) {
	got := make(chan struct{})
	go helper(func() { c.Wait(); close(got) })
	select {
	case <-got:
	case <-Intr():
		c.Broadcast()
		select {
		case <-got:
		case <-time.After(relockTime):
		}
		panic(Interrupted{})
	}
}

// A waitKey names what is waited for: a pointer, and which of its two queues.
type waitKey struct {
	p    any
	read bool
}

// waiting holds the calls that wait, by what they wait for, the oldest first. An
// interrupted call is removed, but its helper stays in the run-time's queue: when the
// helper is woken, it serves the next call instead. The run-time may not wake that call
// itself, because it does not know of it if the variable was set to zero in between.
var (
	waitMu  sync.Mutex
	waiting = map[waitKey][]chan struct{}{}
)

// wait calls acquire in a goroutine, and stops waiting for it when the caller's
// cell is interrupted; release undoes acquire if it comes too late.
func wait(key waitKey, acquire, release func()) {
	got := make(chan struct{})
	waitMu.Lock()
	waiting[key] = append(waiting[key], got)
	waitMu.Unlock()
	go helper(func() {
		acquire()
		if !serve(key) {
			release()
		}
	})
	select {
	case <-got:
	case <-Intr():
		if !withdraw(key, got) {
			release()
		}
		panic(Interrupted{})
	}
}

// serve hands what was acquired to the oldest call; it returns false if there is none.
func serve(key waitKey) bool {
	waitMu.Lock()
	defer waitMu.Unlock()
	list := waiting[key]
	if len(list) == 0 {
		return false
	}
	close(list[0])
	setWaiting(key, list[1:])
	return true
}

// withdraw removes a call. It returns false if the call has been served.
func withdraw(key waitKey, got chan struct{}) bool {
	waitMu.Lock()
	defer waitMu.Unlock()
	list := waiting[key]
	for i, c := range list {
		if c == got {
			setWaiting(key, append(list[:i:i], list[i+1:]...))
			return true
		}
	}
	return false
}

func setWaiting(key waitKey, list []chan struct{}) {
	if len(list) == 0 {
		delete(waiting, key)
		return
	}
	waiting[key] = list
}

// helper runs f outside the caller's cell, so the end of the cell does not wait for it.
// A WaitGroup that is reused while an earlier wait is still in its queue panics
// there.
func helper(f func()) {
	pprof.SetGoroutineLabels(context.Background())
	defer func() { recover() }()
	f()
}
