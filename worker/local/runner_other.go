//go:build !unix

package local

import "os/exec"

// ownGroup does nothing on this system: the program is killed without its
// children.
func ownGroup(*exec.Cmd) {}
