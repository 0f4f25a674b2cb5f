//go:build linux

package reap

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestSession(t *testing.T) {
	// Two process groups in one session; one of them is a grandchild whose parent has ended.
	cmd := exec.Command("sh", "-mc", "sh -c 'sleep 600 & echo $!' & wait; sleep 601 & echo $!; wait")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	for sc := bufio.NewScanner(out); len(pids) < 2 && sc.Scan(); {
		pid, err := strconv.Atoi(strings.TrimSpace(sc.Text()))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if n := Session(cmd.Process.Pid); n < 3 {
		t.Errorf("killed %d processes, want 3", n)
	}
	cmd.Wait()
	if left := members(cmd.Process.Pid); len(left) > 0 {
		t.Errorf("%v are left of %v", left, pids)
	}
}

// daemon starts a program in a session of its own. The channel is closed when it has ended.
func daemon(t *testing.T, mark string) (ended chan struct{}) {
	t.Helper()
	cmd := exec.Command("sleep", "600")
	cmd.Env = append(os.Environ(), Env+"="+mark)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended = make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
	})
	return ended
}

func TestMarked(t *testing.T) {
	mark := Mark()
	marked, other := daemon(t, mark), daemon(t, mark+"0")
	if n := Marked(mark); n < 1 {
		t.Errorf("killed %d", n)
	}
	<-marked
	if n := Marked(""); n != 0 {
		t.Errorf("killed %d without a mark", n)
	}
	select {
	case <-other:
		t.Error("a process with another mark was killed")
	default:
	}
}

// Only what is surely of a kernel that has ended is an orphan.
func TestOrphaned(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	ns, pid := namespace(), gone.Process.Pid
	for mark, want := range map[string]bool{
		fmt.Sprintf("%s-%d-123-ABC", ns, pid):         true,
		fmt.Sprintf("%s-%d-123-ABC", ns, os.Getpid()): true, // another process has its number
		Mark():                                         false,
		fmt.Sprintf("%s0-%d-123-ABC", ns, pid):         false, // of another namespace
		fmt.Sprintf("-%d-123-ABC", pid):                false,
		fmt.Sprintf("%s-%d--ABC", ns, pid):             false,
		fmt.Sprintf("%s--1-123-ABC", ns):               false,
		fmt.Sprintf("%s-0-123-ABC", ns):                false,
		"an identifier of somebody else":               false,
		fmt.Sprintf("%s-%d-123-ABC-DEF", ns, pid):      false,
		fmt.Sprintf("%s-999999999999999999-1-ABC", ns): false,
	} {
		if got := orphaned(mark); got != want {
			t.Errorf("%q: %v", mark, got)
		}
	}
}
