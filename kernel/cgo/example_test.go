package cgo_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/cgo"
)

// The C code of a cell becomes a package, and the cell calls it by Go names. (Not run: it
// needs a C compiler.)
func Example() {
	dir, err := os.MkdirTemp("", "cgo")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	list := func(ctx context.Context, dir string) (files []string, output string, err error) {
		c := exec.CommandContext(ctx, "go", "list", "-compiled", "-f", `{{join .CompiledGoFiles "\n"}}`)
		var stderr bytes.Buffer
		c.Dir, c.Stderr = dir, &stderr
		b, err := c.Output()
		return strings.Fields(string(b)), stderr.String(), err
	}
	n := cgo.New(dir, list)
	c, err := n.Cell(context.Background(), "/*\nint add(int a, int b) { return a + b; }\n*/\nimport \"C\"\n\nC.add(1, 2)")
	if err != nil {
		fmt.Println(err)
		return
	}
	c.Commit()
	fmt.Println(c.Source) // with C_add(1, 2)
}
