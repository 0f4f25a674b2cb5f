package runpod

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestEvents(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"one", "data: a\n\n", []string{"||a"}},
		{"of two lines", "data: a\ndata: b\n\n", []string{"||a\nb"}},
		{"fields", "id: 7\nevent: log\ndata:x\nretry: 3\nother\n\n", []string{"7|log|x"}},
		{"the id stays", "id: 7\ndata: x\n\ndata: y\n\n", []string{"7||x", "7||y"}},
		{"comments", ": hello\n\n:\ndata: x\n\n", []string{"||x"}},
		{"CR LF", "data: a\r\n\r\ndata: b\r\n\r\n", []string{"||a", "||b"}},
		{"CR", "data: a\r\rdata: b\r\r", []string{"||a", "||b"}},
		{"byte order mark", "\ufeffdata: a\n\n", []string{"||a"}},
		{"empty data", "data\n\n", []string{"||"}},
		{"cut", "data: a\n\ndata: b\n", []string{"||a"}},
		{"NUL in the id", "id: a\x00b\ndata: x\n\n", []string{"||x"}},
	} {
		var got []string
		for e, err := range events(iotest.OneByteReader(strings.NewReader(c.in))) {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			got = append(got, fmt.Sprintf("%s|%s|%s", e.id, e.kind, e.data))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for _, in := range []string{strings.Repeat("x", 2*maxEvent), strings.Repeat("data: "+strings.Repeat("x", 1000)+"\n", 2000)} {
		var last error
		for _, err := range events(strings.NewReader(in)) {
			last = err
		}
		if !errors.Is(last, ErrTooLarge) {
			t.Errorf("an event without end: %v", last)
		}
	}
}

func FuzzEvents(f *testing.F) {
	f.Add("id: 7\ndata: x\n\n")
	f.Fuzz(func(t *testing.T, in string) {
		for e := range events(strings.NewReader(in)) {
			if len(e.data) > maxEvent {
				t.Fatal("over the bound")
			}
		}
	})
}

func FuzzParseStream(f *testing.F) {
	f.Add([]byte(`{"status":"COMPLETED","stream":[{"output":1}]}`))
	f.Add([]byte(`[{"output":"x","metrics":{}}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if u, err := parseStream(b); err == nil && u.Status == "" {
			t.Fatal("no status")
		}
	})
}

func FuzzJob(f *testing.F) {
	f.Add([]byte(`{"id":"j","status":"FAILED","error":"{\"error_type\":\"<class 'E'>\"}"}`))
	f.Add([]byte(`{"id":"j","status":"TIMED_OUT","error":{"error_message":"\u001b[31m"},"delayTime":1e300}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		job, err := ParseWebhook("ep", b)
		if err != nil {
			return
		}
		if job.Delay < 0 || job.Execution < 0 {
			t.Fatal("time runs backwards")
		}
		if err := job.Err(); err != nil && (strings.ContainsAny(err.Error(), "\n\x1b") || len(job.ID) < 100 && len(err.Error()) > 8000) {
			t.Fatalf("%q", err)
		}
	})
}
