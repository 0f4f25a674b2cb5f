package secrets

import (
	"strings"
	"testing"
)

// A megabyte of printed lines: every published text goes through Redact.
func BenchmarkRedact(b *testing.B) {
	text := strings.Repeat("a line of some fifty bytes, wide ⊕, the number 17\n", 20_000)
	redact := Redactor([]string{"RUNPOD_API_KEY=rpa_0123456789abcdefghij", "PATH=/usr/bin"})
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		redact(text)
	}
}
