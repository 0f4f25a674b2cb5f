package session

import (
	"context"
	"strings"
	"testing"
)

// TestDeadlock checks that a deadlocked cell gets a message and that its variables stay.
func TestDeadlock(t *testing.T) {
	e2e(t)
	n := newSession(t)
	n.ok("kept := 7")
	for _, src := range []string{"ch := make(chan int)\n<-ch", "var mu sync.Mutex\nmu.Lock()\ngo func() { mu.Lock() }()\nvar wg sync.WaitGroup\nwg.Add(1)\nwg.Wait()"} {
		r := &record{}
		done := make(chan struct{})
		go func() { n.runIn(context.Background(), src, r); close(done) }()
		r.until(t, "deadlock: all goroutines of the notebook wait for each other (In[")
		n.Interrupt()
		<-done
		r.failed(t, "Interrupted", "interrupted")
	}
	if got := n.ok("kept"); got != "result:7" {
		t.Errorf("got %q", got)
	}
	// A cell that sleeps, computes or waits for a timer gets no message.
	for _, src := range []string{"time.Sleep(7*time.Second)", "done := make(chan bool)\ngo func() { time.Sleep(7*time.Second); done <- true }()\n<-done", "<-time.After(7*time.Second)"} {
		if got := n.ok(src); strings.Contains(got, "deadlock") {
			t.Errorf("%s: %q", src, got)
		}
	}
}
