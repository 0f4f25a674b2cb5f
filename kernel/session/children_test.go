package session

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The processes that cells start end with the session, however it ends and whatever
// process group they are in.
func TestChildrenEnd(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(*testBook)
	}{
		{"close", func(n *testBook) { n.Close() }},
		{"reset", func(n *testBook) { n.ok("%reset") }},
		{"killed", func(n *testBook) {
			p := n.super.Process()
			syscall.Kill(p.PID(), syscall.SIGKILL)
			<-p.Exited()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newSession(t)
			dir := n.super.Dir()
			out := n.ok("!sleep 600 >/dev/null 2>&1 & echo $!") + " " + n.ok("!bash -mc 'sleep 601 >/dev/null 2>&1 & echo $!' 2>/dev/null") + " " +
				n.ok("%bash sh -c 'sleep 602 >/dev/null 2>&1 & echo $!'") + " " +
				n.ok("!setsid -w sh -c 'nohup sleep 605 >/dev/null 2>&1 & echo $!'") + " " + n.ok("!sh -c 'setsid -w sh -c \"(sleep 606 >/dev/null 2>&1 & echo \\$!)\" & wait'")
			n.ok("import \"os/exec\"\ncmd := exec.Command(\"sleep\", \"603\")\ncmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}\ncmd.Start()\n" +
				"own := exec.Command(\"sleep\", \"604\")\nown.SysProcAttr = &syscall.SysProcAttr{Setsid: true}\nown.Start()\n" +
				"os.WriteFile(\"pid\", []byte(fmt.Sprint(cmd.Process.Pid, own.Process.Pid)), 0o600)")
			b, err := os.ReadFile(filepath.Join(dir, "pid"))
			if err != nil {
				t.Fatal(err)
			}
			pids := strings.Fields(strings.ReplaceAll(out, "stdout:", "") + " " + string(b))
			if len(pids) != 7 {
				t.Fatalf("got %q", pids)
			}
			c.end(n)
			for _, text := range pids {
				pid, err := strconv.Atoi(text)
				if err != nil {
					t.Fatal(err)
				}
				if cmd, err := os.ReadFile("/proc/" + text + "/cmdline"); err == nil && strings.HasPrefix(string(cmd), "sleep\x0060") {
					t.Errorf("%d goes on: %q", pid, cmd)
				}
			}
		})
	}
}

// Magics reject arguments that they do not understand.
func TestArgumentsAreNotIgnored(t *testing.T) {
	n := newSession(t)
	n.ok("kept := 1")
	for src, want := range map[string]string{
		"%reset kept":          "takes no arguments",
		"%go111module maybe":   "want on, off or auto",
		"%who kept lost":       "lost is no variable",
		"%help nothing_at_all": "unknown magic",
	} {
		n.run(src).failed(t, nameUsage, want)
	}
	if got := n.ok("%help %who"); !strings.HasPrefix(got, "stdout:%who [name ...]") {
		t.Errorf("got %q", got)
	}
	if got := n.run("%%bash -e\nfalse\necho reached").all(); strings.Contains(got, "reached") {
		t.Errorf("-e is ignored: %q", got)
	}
	if got := n.ok("%%bash -o pipefail -- -x y\necho $1 $2"); got != "stdout:-x y\n" {
		t.Errorf("got %q", got)
	}
	if got := n.ok("%%bash a b\necho $2 $1"); got != "stdout:b a\n" {
		t.Errorf("got %q", got)
	}
	if got := n.ok("kept"); got != "result:1" {
		t.Errorf("got %q", got)
	}
}
