// Command pixel is the endpoint of pixel.py: the Go engine behind RunPod's API,
// whose epochs come at irregular times, and who says when each was sent.
//
//	go run ./bench/pixel
//
// It prints a line with its address and key, then for each epoch its number and the
// time in milliseconds since 1970.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"time"

	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// Between two epochs: longer than a frame of the live view, and not in step with it.
const (
	shortest = 600 * time.Millisecond
	spread   = 500 * time.Millisecond
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s, err := local.Start(ctx, local.Options{Handler: paced(engine.Handler(engine.Options{}))})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer s.Close()
	fmt.Println(s.BaseURL(), s.Key())
	<-ctx.Done()
}

func paced(h worker.Handler) worker.Handler {
	return func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		return h(ctx, job, func(chunk json.RawMessage) error {
			var e worker.Event
			if json.Unmarshal(chunk, &e) == nil && e.Epoch != nil {
				time.Sleep(shortest + rand.N(spread))
				fmt.Println(e.Epoch.Epoch, float64(time.Now().UnixNano())/1e6)
			}
			return yield(chunk)
		})
	}
}
