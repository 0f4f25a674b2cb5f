package rt

import (
	"regexp"
	"strings"
)

var (
	goroutineHead = regexp.MustCompile(`^goroutine \d+ (?:gp=\S+ m=\S+ (?:mp=\S+ )?)?\[([^,\]]+)`)
	cellLine      = regexp.MustCompile(`(?m)^\t(?:\S*/)?(In\[\d+\]:\d+)`)
	ourFrame      = regexp.MustCompile(`(?m)^github\.com/gopherpod/gopherpod/([\w/]+)`)
)

// asleep are the states in which a goroutine waits for another one.
var asleep = []string{"chan receive", "chan send", "select", "semacquire", "sync."}

// Deadlock lists where the goroutines of all cells wait, if every one of them waits for
// another: on channels, locks and wait groups. The list is empty if one of them runs,
// sleeps, or waits for a file, the network or our own code, or if there are no such
// goroutines. It cannot recognize a goroutine that a timer would wake.
func Deadlock() (where []string) {
	for _, g := range strings.Split(report(), "\n\n") {
		head, frames, _ := strings.Cut(g, "\n")
		if labelIn(head) == 0 {
			continue
		}
		m := goroutineHead.FindStringSubmatch(head)
		if m == nil || !waits(m[1]) || strings.Contains(frames, "/rt.Sleep(") {
			return nil
		}
		if i := strings.Index(frames, "created by "); i >= 0 {
			frames = frames[:i]
		}
		at := cellLine.FindStringSubmatch(frames)
		if at == nil {
			return nil
		}
		for _, f := range ourFrame.FindAllStringSubmatch(frames[:strings.Index(frames, at[0])], -1) {
			if f[1] != "kernel/session/rt" {
				return nil
			}
		}
		where = append(where, at[1])
	}
	return where
}

func waits(state string) bool {
	for _, s := range asleep {
		if strings.HasPrefix(state, s) {
			return true
		}
	}
	return false
}
