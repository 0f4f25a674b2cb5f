package session

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Front ends ask for completions and documentation while a cell is prepared, built
// and run. The test is meant for -race.
func TestConcurrent(t *testing.T) {
	n := newSession(t)
	mod := n.super.Dir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(mod, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example.com/own\n\ngo 1.26\n")
	write("own.go", "package own\n\nfunc F() int { return 1 }\n")
	stop, asked := make(chan struct{}), 0
	var wg sync.WaitGroup
	wg.Go(func() {
		for ; ; asked++ {
			select {
			case <-stop:
				return
			default:
			}
			for _, code := range []string{"own.", "import \"example.com/ow", "x", "%go get ", "%who ", "fmt.Pri"} {
				if _, err := n.Complete(t.Context(), code, len(code)); err != nil {
					t.Error(err)
				}
			}
			if _, _, err := n.Inspect(t.Context(), "import \"example.com/own\"\nown.F", 30, 1); err != nil {
				t.Error(err)
			}
		}
	})
	n.ok("import \"example.com/own\"\nx := own.F()")
	for i := range 5 {
		n.ok(fmt.Sprintf("y%d := x + %d", i, i))
	}
	n.ok("%make z int")
	if got := n.ok("x + z"); got != "result:8" {
		t.Errorf("got %q", got)
	}
	write("own.go", "package own\n\nfunc F() int { return 22 }\n")
	if got := n.ok("own.F()"); !strings.HasSuffix(got, "result:22") {
		t.Errorf("after an edit: %q", got)
	}
	n.ok("%reset")
	close(stop)
	wg.Wait()
	if asked == 0 {
		t.Error("nothing was asked")
	}
}
