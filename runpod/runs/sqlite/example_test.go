package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/runs/sqlite"
)

func Example() {
	dir, err := os.MkdirTemp("", "runs")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	s, err := sqlite.Open(filepath.Join(dir, "runs.sqlite"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	ctx := context.Background()
	if err := s.Put(ctx, runs.Run{ID: "3f9a-example", State: runs.Open, Created: time.Now()}); err != nil {
		fmt.Println(err)
		return
	}
	r, err := s.Get(ctx, "3f9a") // the beginning of an id is enough
	fmt.Println(r.ID, r.State, err)
	// Output: 3f9a-example open <nil>
}
