package notebook_test

import (
	"context"
	"fmt"
	"os"

	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/cell"
	"github.com/gopherpod/gopherpod/kernel/session/notebook"
)

// A cell is prepared and built; the caller runs it, and then the notebook knows what it
// declared. (Not run, only compiled.)
func Example() {
	host, err := build.Open("/path/to/host")
	if err != nil {
		fmt.Println(err)
		return
	}
	n := notebook.New(notebook.Options{
		Host: host, Cells: cell.Config{AutoImports: cell.StdImports()},
		Env: os.Environ, Dir: func() string { return "." },
	})
	defer n.Remove()
	ctx := context.Background()
	u, err := n.Prepare(ctx, func(line string) { fmt.Println(line) }, 1, "x := 6 * 7")
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, _, err := n.Build(ctx, u); err != nil {
		fmt.Println(err)
		return
	}
	n.Commit(u)
	fmt.Println(notebook.NameList(n.Names()))
}
