package kernel_test

import (
	"bytes"
	"testing"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/kerneltest"
)

// A cell that does nothing, from execute_request to idle: what the protocol costs.
func BenchmarkExecute(b *testing.B) {
	c := kerneltest.Start(b, basic())
	for b.Loop() {
		c.Execute("")
	}
}

func BenchmarkKernelInfo(b *testing.B) {
	c := kerneltest.Start(b, basic())
	for b.Loop() {
		c.Request(kerneltest.Shell, "kernel_info_request", struct{}{})
	}
}

// 1e5 lines in writes of 4 KiB, from execute_request to idle.
func BenchmarkStream(b *testing.B) {
	text := bytes.Repeat([]byte("a line of text that a cell prints, 50 bytes long\n"), 100_000)
	f := basic()
	f.Cells["print"] = func(r *kerneltest.Run) error {
		for rest := text; len(rest) > 0; {
			n := min(len(rest), 4096)
			r.Stream("stdout", rest[:n])
			rest = rest[n:]
		}
		return nil
	}
	b.SetBytes(int64(len(text)))
	messages := 0
	for b.Loop() {
		b.StopTimer()
		c := kerneltest.Start(b, f) // a new client, because a client keeps what it receives
		b.StartTimer()
		messages = len(c.Execute("print").Messages)
	}
	b.ReportMetric(float64(messages), "messages")
}

func BenchmarkDisplay(b *testing.B) {
	const n = 10_000
	f := basic()
	f.Cells["show"] = func(r *kerneltest.Run) error {
		for range n {
			r.Display(display.Message{Data: display.MIMEMap{"text/plain": "a bundle", "text/html": "<b>a bundle</b>"}, ID: "d", Update: true})
		}
		return nil
	}
	for b.Loop() {
		b.StopTimer()
		c := kerneltest.Start(b, f)
		b.StartTimer()
		c.Execute("show")
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "displays/s")
}
