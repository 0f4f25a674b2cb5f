//go:build !windows

// Gopherpod is a Go kernel for Jupyter that trains models on serverless GPUs
// from a notebook cell. The command line is package magics/terminal; ARCHITECTURE.md
// is the map of the packages.
package main

//go:generate go test -count=1 -run ^Test(Architecture|Reference) . -update

import (
	"context"
	"embed"
	"os"

	"github.com/gopherpod/gopherpod/magics/terminal"
)

// source is what the session process and the cells are compiled from: this very
// version of our packages, wherever the binary came from.
//
//go:embed main.go go.mod go.sum kernel magics runpod tensors worker worker/pytorch/gopherpod_worker/__init__.py
var source embed.FS

func main() {
	p := terminal.Program{Source: source, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	os.Exit(p.Run(context.Background(), os.Args[1:]))
}
