// Package reap kills what the cells of a session started and left running: all processes of
// the session in the sense of setsid(2), in any process group, and those in sessions of their
// own (setsid, daemons), which have the session's mark in their environment. A program that
// is started without the mark, in a session of its own, goes on:
//
//	env -u GOPHERPOD_SESSION_ID setsid program
//
// So does one that overwrites its environment, or that belongs to another user.
package reap

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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

// Env names the environment variable with the mark of a session: the namespace of process IDs,
// the ID of its kernel, when that process started, and a random part.
const Env = "GOPHERPOD_SESSION_ID"

// Mark returns a mark for a session that this process, the kernel, is about to start.
func Mark() string {
	return fmt.Sprintf("%s-%d-%s-%s", namespace(), os.Getpid(), started(os.Getpid()), rand.Text())
}

// namespace returns the number of the namespace that this process's ID belongs to.
func namespace() string {
	link, _ := os.Readlink("/proc/self/ns/pid") // pid:[4026531836]
	return strings.Trim(strings.TrimPrefix(link, "pid:"), "[]")
}

// Marked kills the processes with the mark, except the caller. It returns how many it found;
// without /proc, none.
func Marked(mark string) (killed int) {
	if mark == "" {
		return 0
	}
	return kill(func(m string) bool { return m == mark })
}

// Orphans kills the processes with the mark of a kernel that is gone: if a kernel and its
// session are killed at the same time, neither can do it.
func Orphans() (killed int) { return kill(orphaned) }

// orphaned reports whether a mark is that of a kernel that has surely ended. In another
// namespace its ID means another process.
func orphaned(mark string) bool {
	f := strings.Split(mark, "-")
	if len(f) != 4 || f[0] == "" || f[0] != namespace() || f[2] == "" {
		return false
	}
	pid, err := strconv.ParseInt(f[1], 10, 32)
	if err != nil || pid <= 0 {
		return false
	}
	if syscall.Kill(int(pid), 0) == syscall.ESRCH {
		return true
	}
	now := started(int(pid))
	return now != "" && now != f[2]
}

// kill kills the processes whose mark is one of those to kill, except the caller.
func kill(which func(mark string) bool) (killed int) {
	for range rounds {
		found := 0
		environs, _ := filepath.Glob("/proc/[0-9]*/environ")
		for _, name := range environs {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			if pid == os.Getpid() {
				continue
			}
			b, err := os.ReadFile(name)
			if err != nil {
				continue // it has ended, or belongs to another user
			}
			for entry := range bytes.SplitSeq(b, []byte{0}) {
				if mark, ok := bytes.CutPrefix(entry, []byte(Env+"=")); ok && which(string(mark)) && syscall.Kill(pid, syscall.SIGKILL) == nil {
					found++
				}
			}
		}
		if found == 0 {
			return killed
		}
		killed += found
	}
	return killed
}

// started returns when a process began, in ticks since the machine's start, or "" if there is
// no such process.
func started(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// proc(5): field 22; the second one may hold anything, so count after it.
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) < 20 || string(f[0]) == "Z" {
		return ""
	}
	return string(f[19])
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
