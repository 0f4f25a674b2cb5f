package train

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runpodtest"
)

// An interrupt during a slow batch waits for its end as long as someone can stop the wait,
// and says so; a second interrupt stops it at once. Without GiveUp the wait ends after 6 s. If
// the question for the weights runs out of time before the batch is over, it is asked again.
func TestInterruptOfASlowBatch(t *testing.T) {
	for _, c := range []struct {
		name   string
		batch  time.Duration
		giveUp bool
		second time.Duration // after the first interrupt; 0: none
		took   time.Duration
	}{
		{"waits", 50 * time.Second, true, 0, 50 * time.Second},
		{"asks twice", 90 * time.Second, true, 0, 90 * time.Second},
		{"second", time.Hour, true, 20 * time.Second, 20 * time.Second},
		{"nobody stops", time.Hour, false, 0, collectFor},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := runpodtest.New(t, asked)
				config := server.Config()
				config.Timeout = 2 * time.Hour // a step of the script answers late instead of often
				client, err := runpod.New(config)
				if err != nil {
					t.Fatal(err)
				}
				giveUp, held := make(chan struct{}), false
				var told []string
				o := Options{Endpoint: client.Endpoint("ep"), Epochs: 2, OnEvent: func(e Event) {
					if e.Notice != "" {
						told = append(told, string(e.Notice))
					}
				}}
				if c.giveUp {
					o.GiveUp, o.Hold = giveUp, func() { held = true }
				}
				X, y := blobs(30)
				p, err := Prepare(twoLayers, Data{X: X, Y: y}, o)
				if err != nil {
					t.Fatal(err)
				}
				server.Add(interruptedIn(t, p, c.batch)...)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if c.second > 0 {
					time.AfterFunc(time.Second+c.second, func() { close(giveUp) })
				}
				begun := time.Now()
				m, err := p.Run(ctx)
				took := time.Since(begun) - time.Second
				weights := c.batch < time.Hour
				var cut *InterruptedError
				if !errors.As(err, &cut) || !cut.Cancelled || cut.Weights != weights || m.HasWeights() != weights {
					t.Errorf("%v, weights %v", err, m.HasWeights())
				}
				if took < c.took || took > c.took+2*time.Second || held != c.giveUp {
					t.Errorf("took %v, want %v; held %v", took, c.took, held)
				}
				if said := strings.Contains(strings.Join(told, "\n"), "interrupt again to stop now"); said != c.giveUp {
					t.Errorf("told %q", told)
				}
			})
		})
	}
}

// interruptedIn are the requests of a training that is interrupted in a batch of that length.
func interruptedIn(t *testing.T, p *Plan, batch time.Duration) []runpodtest.Step {
	slow := step("GET", "stream/j-u1", `{"status":"IN_PROGRESS","stream":[]}`)
	slow.Delay = time.Hour
	asks := step("POST", "run", `{"id":"c-u1","status":"IN_QUEUE"}`)
	kept := step("GET", "stream/c-u1?wait=3000", nil)
	steps := []runpodtest.Step{accepted, step("GET", "stream/j-u1?wait=3000", `{"status":"IN_PROGRESS","stream":[]}`), slow, cancelled, asks}
	switch {
	case batch >= time.Hour:
		kept.Delay = batch
		return append(steps, kept, step("POST", "cancel/c-u1", `{"id":"c-u1","status":"CANCELLED"}`))
	case batch > collectTime:
		late := step("GET", "stream/c-u1?wait=3000", `{"status":"TIMED_OUT","stream":[]}`)
		late.Delay = collectTime
		steps = append(steps, late, step("GET", "status/c-u1", `{"id":"c-u1","status":"TIMED_OUT"}`), asks)
		batch -= collectTime
	}
	events, err := wholeRun(p, 2)
	if err != nil {
		t.Fatal(err)
	}
	var chunks []string
	for _, e := range events {
		b, _ := json.Marshal(e)
		chunks = append(chunks, `{"output":`+string(b)+`}`)
	}
	kept.Delay, kept.Reply = batch, `{"status":"COMPLETED","stream":[`+strings.Join(chunks, ",")+`]}`
	return append(steps, kept, step("GET", "stream/c-u1", `{"status":"COMPLETED","stream":[]}`))
}
