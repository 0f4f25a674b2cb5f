package supervisor

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Text that looks like a crash but is not one arrives complete and in order.
func TestCrashFilterKeepsText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got bytes.Buffer
		f := &crashFilter{out: func(b []byte) { got.Write(b) }, alive: func(time.Duration) bool { return true }}
		want := "before\npanic: not one\n" + strings.Repeat("text\n", 1<<18)
		for b := []byte(want); len(b) > 0; {
			n := min(len(b), 100_000)
			f.text(b[:n])
			b = b[n:]
		}
		if got.Len() != len(want) {
			t.Errorf("%d bytes arrived of %d before the time was over", got.Len(), len(want))
		}
		f.text([]byte("panic: again\n"))
		want += "panic: again\n"
		time.Sleep(crashPatience + 1)
		synctest.Wait()
		if got.String() != want {
			t.Errorf("got %d bytes, want %d", got.Len(), len(want))
		}
		if c := f.crash(); c != "" {
			t.Errorf("crash %q", c[:min(len(c), 100)])
		}
	})
}

func TestCrashFilterHoldsCrashes(t *testing.T) {
	f := &crashFilter{out: func(b []byte) { t.Errorf("%q is shown", b) }, alive: func(time.Duration) bool { return false }}
	for _, text := range []string{"fatal error: concurrent map writes\n\n", "goroutine 1 [running]:\nmain.main()\n"} {
		f.text([]byte(text))
	}
	if c := f.crash(); !strings.HasSuffix(c, "main.main()\n") {
		t.Errorf("got %q", c)
	}
}

// A line that looks like a crash is shown as soon as the process has answered, or after
// fatalPatience if it does not answer.
func TestCrashFilterAsks(t *testing.T) {
	for _, alive := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			shown := time.Duration(0)
			begin := time.Now()
			f := &crashFilter{out: func([]byte) { shown = time.Since(begin) }, alive: func(d time.Duration) bool {
				if !alive {
					time.Sleep(d)
				}
				return alive
			}}
			f.text([]byte("fatal error: all goroutines are asleep\n"))
			time.Sleep(time.Minute)
			if want := crashPatience; alive && shown != want {
				t.Errorf("shown after %v, want %v", shown, want)
			}
			if shown == 0 {
				t.Error("never shown")
			}
		})
	}
}

// The reason mentions memory if and only if memory was the cause.
func TestReasonNamesMemory(t *testing.T) {
	for _, crash := range []string{"runtime: out of memory: cannot allocate 1 bytes\nfatal error: out of memory\n", "fatal error: runtime: cannot allocate memory\n"} {
		if got := reason(nil, crash, nil); !strings.HasPrefix(got, OutOfMemory) {
			t.Errorf("%q: %q", crash, got)
		}
	}
	for _, c := range []struct {
		used, all uint64
		want      string
	}{
		{15e9, 16e9, OutOfMemory + ": the session had 15.0 GB of this machine's 16.0"},
		{1e9, 16e9, "it was killed by hand or by another program; it had 1.0 GB of this machine's 16.0"},
		{5e9, 16e9, "it was killed, by hand or because memory ran out"},
		{0, 0, "it was killed, by hand or because memory ran out"},
	} {
		if got := killed(c.used, c.all); got != c.want {
			t.Errorf("%d of %d: %q, want %q", c.used, c.all, got, c.want)
		}
	}
}

// What a cell wrote just before a crash is shown, even if it looks like one.
func TestCrashFilterShowsWhatCameBefore(t *testing.T) {
	for _, c := range []struct{ text, report string }{
		{"panic: mine\nand more\n", "fatal error: concurrent map writes\n\ngoroutine 23 [running]:\nmain.main()\n"},
		{"panic: mine\n\ngoroutine 1 [running]:\nmain.f()\n", "panic: real\n\ngoroutine 2 [running]:\nmain.main()\n"},
		{"runtime is what I say\npanic: mine\n", "SIGSEGV: segmentation violation\nPC=0x0 m=0 sigcode=1 addr=0x0\n\ngoroutine 0 gp=0x1 m=0 [idle]:\n"},
		{"fatal error: mine\n-\n", "runtime: goroutine stack exceeds 134217728-byte limit\nruntime: sp=0x1 stack=[0x1, 0x2]\nfatal error: stack overflow\n\nruntime stack:\nruntime.throw()\n"},
		{"", "panic: a [recovered]\n\tpanic: b\n\ngoroutine 1 [running]:\n"},
		{"", "fatal error: mine, and the process was killed\n"},
	} {
		shown := ""
		f := &crashFilter{out: func(b []byte) { shown += string(b) }, alive: func(time.Duration) bool { return false }}
		f.text([]byte(c.text + c.report))
		if got := f.crash(); got != c.report || shown != c.text {
			t.Errorf("%q and %q: shown %q, report %q", c.text, c.report, shown, got)
		}
	}
}
