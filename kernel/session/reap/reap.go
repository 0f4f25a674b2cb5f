// Package reap kills all processes of a session in the sense of setsid(2): what a
// cell started and left running, in any process group. A program that creates its own
// session is spared.
package reap

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// rounds bounds how often the list is read, because processes that are about
// to be killed may start others.
const rounds = 20

// Session kills the processes of session sid, except the caller. It returns how
// many it found. Without /proc it kills the process group with that ID.
func Session(sid int) (killed int) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		if sid != os.Getpid() {
			syscall.Kill(-sid, syscall.SIGKILL)
		}
		return 0
	}
	for range rounds {
		found := 0
		for _, pid := range members(sid) {
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				found++
			}
		}
		if found == 0 {
			return killed
		}
		killed += found
	}
	return killed
}

// members lists the running processes of a session, except the caller.
func members(sid int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		// proc(5): pid (name) state parent group session ...; the name may hold
		// anything.
		f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
		if len(f) > 3 && pid != os.Getpid() && string(f[3]) == fmt.Sprint(sid) && string(f[0]) != "Z" && string(f[0]) != "X" {
			pids = append(pids, pid)
		}
	}
	return pids
}
