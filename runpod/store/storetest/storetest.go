// Package storetest tests implementations of store.Store.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/tensors"
)

// Run tests the stores that open returns. open must return an empty store each time.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("objects", func(t *testing.T) { testObjects(t, open(t)) })
	t.Run("list", func(t *testing.T) { testList(t, open(t)) })
	t.Run("names", func(t *testing.T) { testNames(t, open(t)) })
	t.Run("send and fetch", func(t *testing.T) { testSendFetch(t, open(t)) })
	t.Run("resume", func(t *testing.T) { testResume(t, open(t)) })
	t.Run("corrupt", func(t *testing.T) { testCorrupt(t, open(t)) })
	t.Run("interrupt", func(t *testing.T) { testInterrupt(t, open(t)) })
	t.Run("many at once", func(t *testing.T) { testMany(t, open(t)) })
}

// Random returns n bytes that are the same each time and do not compress.
func Random(n int) []byte {
	var seed [32]byte
	b := make([]byte, n)
	rand.NewChaCha8(seed).Read(b)
	return b
}

func name(t *testing.T, content []byte) store.Name {
	t.Helper()
	n, err := store.NameOf(tensors.DigestOf(content))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func put(t *testing.T, s store.Store, n store.Name, content string) {
	t.Helper()
	if err := s.Put(t.Context(), n, strings.NewReader(content), int64(len(content))); err != nil {
		t.Fatal(err)
	}
}

func testObjects(t *testing.T, s store.Store) {
	n := name(t, []byte("content"))
	if _, err := s.Size(t.Context(), n); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("size of what is not there: %v", err)
	}
	if r, err := s.Get(t.Context(), n); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("get of what is not there: %v, %v", r, err)
	}
	for range 2 { // putting the same content again changes nothing
		put(t, s, n, "content")
	}
	if size, err := s.Size(t.Context(), n); err != nil || size != 7 {
		t.Errorf("size: %d, %v", size, err)
	}
	r, err := s.Get(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if b, err := io.ReadAll(r); err != nil || string(b) != "content" {
		t.Errorf("get: %q, %v", b, err)
	}
	for range 2 { // the second time it is gone already
		if err := s.Delete(t.Context(), n); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	if _, err := s.Size(t.Context(), n); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("size of what was deleted: %v", err)
	}
	short := name(t, []byte("short"))
	if err := s.Put(t.Context(), short, strings.NewReader("abc"), 5); err == nil {
		t.Error("three bytes for five are accepted")
	}
	if _, err := s.Size(t.Context(), short); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after a put that failed: %v", err)
	}
}

// testList tests stores that list their objects.
func testList(t *testing.T, s store.Store) {
	k, ok := s.(store.Keeper)
	if !ok {
		t.Skip("not a store.Keeper")
	}
	list := func() map[store.Name]store.Object {
		all := map[store.Name]store.Object{}
		for o, err := range k.List(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			all[o.Name] = o
		}
		return all
	}
	if all := list(); len(all) != 0 {
		t.Errorf("an empty store holds %v", all)
	}
	begin := time.Now().Add(-time.Minute) // allow for clocks that differ
	a, b := name(t, []byte("a")), store.NewResult()
	put(t, s, a, "a")
	put(t, s, b, "bb")
	all := list()
	if len(all) != 2 || all[a].Size != 1 || all[b].Size != 2 || all[a].Used.Before(begin) {
		t.Errorf("%v", all)
	}
	for _, n := range []store.Name{a, name(t, []byte("none"))} {
		if err := k.Touch(t.Context(), n); err != nil {
			t.Errorf("touch %s: %v", n, err)
		}
	}
	if err := k.Touch(t.Context(), "../outside"); err == nil {
		t.Error("touch of ../outside is accepted")
	}
	p, err := store.Prune(t.Context(), k, store.Limit{Bytes: 2})
	if err != nil || p.Removed != 1 && p.Removed != 2 {
		t.Errorf("prune: %+v, %v", p, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if len(list()) > 0 {
		for _, err := range k.List(ctx) {
			if err == nil {
				t.Error("a list goes on after its context has ended")
			}
			break
		}
	}
}

func testNames(t *testing.T, s store.Store) {
	for _, bad := range []string{"", "..", "../../etc/passwd", strings.Repeat("A", 64), strings.Repeat("a", 63), strings.Repeat("a", 64) + "/"} {
		if _, err := store.NameOf(bad); !errors.Is(err, store.ErrName) {
			t.Errorf("%q: %v", bad, err)
		}
		if _, err := store.Fetch(t.Context(), s, bad, store.Options{}); !errors.Is(err, store.ErrName) {
			t.Errorf("fetch %q: %v", bad, err)
		}
	}
	for _, bad := range []store.Name{"../outside", "/etc/passwd", "a/../../b"} {
		if _, err := s.Size(t.Context(), bad); err == nil {
			t.Errorf("size of %q is accepted", bad)
		}
		if err := s.Put(t.Context(), bad, strings.NewReader("x"), 1); err == nil {
			t.Errorf("put of %q is accepted", bad)
		}
		if err := s.Delete(t.Context(), bad); err == nil {
			t.Errorf("delete of %q is accepted", bad)
		}
		if _, err := s.Get(t.Context(), bad); err == nil {
			t.Errorf("get of %q is accepted", bad)
		}
	}
}

func testSendFetch(t *testing.T, s store.Store) {
	o := store.Options{PartSize: 1000}
	for _, c := range []struct{ n, parts int }{{0, 1}, {1, 1}, {999, 1}, {1000, 1}, {1001, 2}, {3000, 3}, {25_001, 26}} {
		content := Random(c.n)
		half := c.n / 2
		pieces := store.Bytes(content[:half/2], nil, content[half/2:half], content[half:])
		r, err := store.Send(t.Context(), s, pieces, o)
		if err != nil {
			t.Fatalf("%d bytes: %v", c.n, err)
		}
		if r.Digest != tensors.DigestOf(content) || r.Size != int64(c.n) || r.Parts != c.parts || r.Sent > r.Size {
			t.Errorf("%d bytes: %+v", c.n, r)
		}
		again, err := store.Send(t.Context(), s, store.Bytes(content), o)
		if err != nil || again.Sent != 0 {
			t.Errorf("%d bytes again: %+v, %v", c.n, again, err)
		}
		back, err := store.Fetch(t.Context(), s, r.Digest, o)
		if err != nil || !bytes.Equal(back, content) {
			t.Errorf("%d bytes came back as %d, %v", c.n, len(back), err)
		}
		if c.n > 10 {
			if _, err := store.Fetch(t.Context(), s, r.Digest, store.Options{Limit: 10}); !errors.Is(err, store.ErrTooLarge) {
				t.Errorf("%d bytes under a limit of 10: %v", c.n, err)
			}
		}
	}
	if _, err := store.Fetch(t.Context(), s, tensors.DigestOf([]byte("never sent")), o); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("what was never sent: %v", err)
	}
}

// A failing store refuses all but the first few puts.
type failing struct {
	store.Store
	left atomic.Int64
}

var errCut = errors.New("connection cut")

func (f *failing) Put(ctx context.Context, n store.Name, content io.ReadSeeker, size int64) error {
	if f.left.Add(-1) < 0 {
		return errCut
	}
	return f.Store.Put(ctx, n, content, size)
}

// Parts that arrived before the connection broke are not sent again.
func testResume(t *testing.T, s store.Store) {
	content, o := Random(10_000), store.Options{PartSize: 1000, Parallel: 2}
	f := &failing{Store: s}
	f.left.Store(4)
	r, err := store.Send(t.Context(), f, store.Bytes(content), o)
	if !errors.Is(err, errCut) || r.Sent == 0 || r.Sent > 4000 {
		t.Errorf("cut: %+v, %v", r, err)
	}
	sent := r.Sent
	if _, err := store.Fetch(t.Context(), s, r.Digest, o); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("fetch of a part of it: %v", err)
	}
	if r, err = store.Send(t.Context(), s, store.Bytes(content), o); err != nil || r.Sent == 0 || r.Sent+sent > 10_000 || r.Size != 10_000 {
		t.Errorf("resumed: %+v, %v", r, err)
	}
	if back, err := store.Fetch(t.Context(), s, r.Digest, o); err != nil || !bytes.Equal(back, content) {
		t.Errorf("fetch: %v", err)
	}
}

// Objects whose content does not match their names are detected.
func testCorrupt(t *testing.T, s store.Store) {
	content, o := Random(3000), store.Options{PartSize: 1000}
	r, err := store.Send(t.Context(), s, store.Bytes(content), o)
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(what string, digest string) {
		t.Helper()
		if _, err := store.Fetch(t.Context(), s, digest, o); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("%s: %v", what, err)
		}
	}
	second := name(t, content[1000:2000])
	put(t, s, second, strings.Repeat("x", 1000))
	fetch("a part with other bytes", r.Digest)
	if again, err := store.Send(t.Context(), s, store.Bytes(content), o); err != nil {
		t.Errorf("send again: %+v, %v", again, err)
	}
	if back, err := store.Fetch(t.Context(), s, r.Digest, o); err != nil || !bytes.Equal(back, content) {
		t.Errorf("after it was sent again: %v", err)
	}
	put(t, s, second, strings.Repeat("x", 900))
	fetch("a part that is shorter", r.Digest)
	lists, err := store.ListOf(r.Digest)
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, second, string(content[1000:2000]))
	first := tensors.DigestOf(content[:1000])
	for what, list := range map[string]string{
		"a list that is no JSON":       `{`,
		"a list that does not add up":  `{"size":5,"parts":[]}`,
		"a list with a negative part":  `{"size":0,"parts":[{"sha256":"` + first + `","size":-1000}]}`,
		"a list with a name":           `{"size":1,"parts":[{"sha256":"../x","size":1}]}`,
		"a list of a negative size":    `{"size":-1,"parts":[]}`,
		"a list of other parts":        `{"size":1000,"parts":[{"sha256":"` + first + `","size":1000}]}`,
		"a list with a part too large": `{"size":2000,"parts":[{"sha256":"` + first + `","size":2000}]}`,
	} {
		put(t, s, lists, list)
		fetch(what, r.Digest)
	}
	small := name(t, []byte("small"))
	put(t, s, small, "SMALL")
	fetch("an object with other bytes", tensors.DigestOf([]byte("small")))
}

func testInterrupt(t *testing.T, s store.Store) {
	cause := errors.New("stop button")
	ctx, stop := context.WithCancelCause(t.Context())
	stop(cause)
	if _, err := store.Send(ctx, s, store.Bytes(Random(3000)), store.Options{PartSize: 1000}); !errors.Is(err, cause) && !errors.Is(err, context.Canceled) {
		t.Errorf("send: %v", err)
	}
	if _, err := store.Send(ctx, s, store.Bytes(Random(10)), store.Options{}); !errors.Is(err, cause) && !errors.Is(err, context.Canceled) {
		t.Errorf("send of one object: %v", err)
	}
}

// Many goroutines send the same content at the same time; the store then has it once, intact.
func testMany(t *testing.T, s store.Store) {
	content, o := Random(20_000), store.Options{PartSize: 1000}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := store.Send(t.Context(), s, store.Bytes(content), o); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if back, err := store.Fetch(t.Context(), s, tensors.DigestOf(content), o); err != nil || !bytes.Equal(back, content) {
		t.Errorf("fetch: %v", err)
	}
}
