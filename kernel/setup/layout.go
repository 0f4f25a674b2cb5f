// Package setup installs the kernel on a machine and maintains it: the folders, the
// source that sessions are built from, what "gopherpod install" does and what
// "gopherpod doctor" checks.
//
//	layout.go   the folders under a prefix
//	source.go   our own source, from the binary to disk
//	install.go  install and uninstall
//	torch.go    a virtual environment with PyTorch
//	pending.go  a kernel whose compiled packages have to be made first
//	rebuild.go  building gopherpod again after an upgrade of Go
//	doctor.go   the checks, each with its fix
//	disk.go     checks of disks: temporary files, databases
//	disk_linux.go, disk_other.go  which file systems are network file systems; which processes use a folder
//
// It does not install Jupyter or compilers; install.sh does.
package setup

import (
	"os"
	"path/filepath"
	"runtime"
)

// EnvHome is the environment variable that names the folder with the compiled
// packages. The kernelspec sets it, so that a kernel finds its own installation.
const EnvHome = "GOPHERPOD_HOME"

// A Layout locates an installation. The zero value is the user's own:
// $XDG_DATA_HOME/gopherpod, or ~/.local/share/gopherpod.
type Layout struct {
	// Prefix is a folder with bin and share; empty for the user's own folders.
	Prefix string
}

// Home returns the folder with our source and what was compiled.
func (l Layout) Home() string {
	if l.Prefix != "" {
		return filepath.Join(l.Prefix, "share", "gopherpod")
	}
	if home := os.Getenv(EnvHome); home != "" {
		return home
	}
	if data := os.Getenv("XDG_DATA_HOME"); data != "" {
		return filepath.Join(data, "gopherpod")
	}
	user, err := os.UserHomeDir()
	if err != nil {
		user = string(filepath.Separator)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(user, "Library", "Application Support", "gopherpod")
	}
	return filepath.Join(user, ".local", "share", "gopherpod")
}

// Hosts returns the folder with the session programs and compiled packages.
func (l Layout) Hosts() string { return filepath.Join(l.Home(), "hosts") }

// Source returns the folder with our own source.
func (l Layout) Source() string { return filepath.Join(l.Home(), "source") }

// Find returns the layout of the running program: the one that the kernelspec names,
// else the prefix of the program's folder if something is installed there, else the
// user's own.
func Find() Layout {
	if os.Getenv(EnvHome) != "" {
		return Layout{}
	}
	program, err := os.Executable()
	if err != nil {
		return Layout{}
	}
	program, err = filepath.EvalSymlinks(program)
	if err != nil {
		return Layout{}
	}
	l := Layout{Prefix: filepath.Dir(filepath.Dir(program))}
	if _, err := os.Stat(l.Hosts()); err != nil {
		return Layout{}
	}
	return l
}
