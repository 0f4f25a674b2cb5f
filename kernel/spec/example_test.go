package spec_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gopherpod/gopherpod/kernel/spec"
)

func Example() {
	prefix, err := os.MkdirTemp("", "spec")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(prefix)
	o := spec.Options{Prefix: prefix, Program: "/usr/local/bin/gopherpod"}
	dir, err := spec.Install(o)
	if err != nil {
		fmt.Println(err)
		return
	}
	rel, err := filepath.Rel(prefix, dir)
	fmt.Println(rel, err)
	if err := spec.Uninstall(o); err != nil {
		fmt.Println(err)
	}
	_, err = spec.Find(o)
	fmt.Println(errors.Is(err, spec.ErrNotInstalled))
	// Output:
	// share/jupyter/kernels/gopherpod <nil>
	// true
}
