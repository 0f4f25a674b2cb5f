//go:build linux

package reap

import (
	"bufio"
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
