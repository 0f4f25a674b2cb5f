package reap_test

import (
	"fmt"
	"os/exec"
	"syscall"

	"github.com/gopherpod/gopherpod/kernel/session/reap"
)

// A process that leads its own session is ended together with everything it has started.
// (Not run, because it needs /proc.)
func ExampleSession() {
	c := exec.Command("sh", "-c", "sleep 100 & sleep 100")
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(reap.Session(c.Process.Pid), "processes killed")
	_ = c.Wait() // reports the signal
}
