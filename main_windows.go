package main

import (
	"fmt"
	"os"
)

// main says where the kernel runs: Go has no plugins on Windows.
func main() {
	fmt.Fprintln(os.Stderr, "gopherpod: cells need Linux or macOS, because Go loads no compiled code on Windows.\n"+
		"Use WSL2: run \"wsl --install\" in PowerShell, then, in the Linux that it opens, ./install.sh; Jupyter in a browser on Windows reaches it.")
	os.Exit(1)
}
