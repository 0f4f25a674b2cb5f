package runs_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/runs/sqlite"
)

// A process that owns the store's file serves it, and another one, such as a notebook's
// session, writes a run and finds it again by the beginning of its id.
func ExampleServe() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "runs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	file, err := sqlite.Open(filepath.Join(folder, "runs.sqlite"))
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	server, err := runs.Serve(func() (runs.Store, error) { return file, nil }, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	store := runs.Dial(server.URL, server.Key)
	run := runs.Run{ID: "3f2a9c41d2", State: runs.Completed, Created: time.Date(2026, 6, 8, 12, 0, 0, 0, time.UTC), Title: "linear, relu, linear", Epochs: 10, Loss: 0.25}
	if err := store.Put(ctx, run); err != nil {
		log.Fatal(err)
	}
	found, err := store.Get(ctx, "3f2a")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.State, found.Epochs, "epochs, loss", found.Loss)
	// Output: completed 10 epochs, loss 0.25
}
