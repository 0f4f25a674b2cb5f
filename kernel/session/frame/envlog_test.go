package frame

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// put writes what a session writes for an entry.
func put(l *EnvLog, length uint32, entry string) {
	at := binary.NativeEndian.Uint64(l.mem)
	for _, b := range append(binary.NativeEndian.AppendUint32(nil, length), entry...) {
		l.ring[at%uint64(len(l.ring))] = b
		at++
	}
	binary.NativeEndian.PutUint64(l.mem, at)
}

func TestEnvLog(t *testing.T) {
	l := NewEnvLog(make([]byte, EnvLogHeader+100))
	for i := range 50 { // around the ring, in every phase
		want := []string{"A=" + strings.Repeat("x", i), "B=" + strings.Repeat("y", i%30)}
		for _, e := range want {
			if len(e) <= 40 {
				put(l, uint32(len(e)), e)
			}
		}
		if len(want[0]) > 40 {
			want = want[1:]
		}
		if got := l.Next(); !slices.Equal(got, want) {
			t.Fatalf("%d: got %q, want %q", i, got, want)
		}
	}
	if got := l.Next(); got != nil {
		t.Errorf("got %q", got)
	}
}

// A cell can write anything into the memory.
func TestEnvLogOfWrongContent(t *testing.T) {
	l := NewEnvLog(make([]byte, EnvLogHeader+64))
	put(l, 1<<31, "A=1")
	if got := l.Next(); got != nil {
		t.Errorf("got %q", got)
	}
	put(l, 3, "A=2")
	if got := l.Next(); !slices.Equal(got, []string{"A=2"}) {
		t.Errorf("after a wrong length: %q", got)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		for i := range l.mem {
			l.mem[i] = byte(r.Uint32())
		}
		if r.Uint32()%2 == 0 { // a plausible distance
			binary.NativeEndian.PutUint64(l.mem, binary.NativeEndian.Uint64(l.mem[8:])+uint64(r.Uint32()%80))
		}
		l.Next()
	}
	l.Close()
	if got := l.Next(); got != nil {
		t.Errorf("got %q", got)
	}
}
