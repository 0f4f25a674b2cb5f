package s3_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/runpod/store/s3"
	"github.com/gopherpod/gopherpod/runpod/store/storetest"
	"github.com/gopherpod/gopherpod/tensors"
)

// server starts a real S3 server on a folder.
func server(t *testing.T) s3.Config {
	t.Helper()
	s := storetest.StartS3(t)
	return s3.Config{Endpoint: s.Endpoint, Region: s.Region, Bucket: s.Bucket, AccessKey: s.AccessKey, SecretKey: runpod.Secret(s.SecretKey)}
}

func open(t *testing.T, c s3.Config) *s3.Bucket {
	t.Helper()
	b, err := s3.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBucket(t *testing.T) {
	config := server(t)
	n := 0
	storetest.Run(t, func(t *testing.T) store.Store {
		n++
		config.Prefix = fmt.Sprintf("run%d/", n)
		return open(t, config)
	})
	t.Run("touch", func(t *testing.T) {
		s := storetest.StartS3(t)
		b := open(t, s3.Config{Endpoint: s.Endpoint, Region: s.Region, Bucket: s.Bucket, AccessKey: s.AccessKey, SecretKey: runpod.Secret(s.SecretKey)})
		r, err := store.Send(t.Context(), b, store.Bytes([]byte("content")), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-50 * 24 * time.Hour)
		if err := os.Chtimes(filepath.Join(s.Folder, "gopherpod", "sha256", r.Digest), then, then); err != nil {
			t.Fatal(err)
		}
		used := func() time.Time {
			for o, err := range b.List(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				return o.Used
			}
			return time.Time{}
		}
		if u := used(); time.Since(u) < 49*24*time.Hour {
			t.Fatalf("used %v", u)
		}
		if r, err = store.Send(t.Context(), b, store.Bytes([]byte("content")), store.Options{}); err != nil || r.Sent != 0 {
			t.Fatal(r, err)
		}
		if u := used(); time.Since(u) > time.Hour {
			t.Errorf("used %v after it was asked for again", u)
		}
		if got, err := store.Fetch(t.Context(), b, r.Digest, store.Options{}); err != nil || string(got) != "content" {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("resume", func(t *testing.T) {
		cut := &cutting{}
		c := config
		c.Transport, c.Prefix = cut, "resume/"
		b := open(t, c)
		content := storetest.Random(5 << 20)
		r, err := store.Send(t.Context(), b, store.Bytes(content), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		cut.left.Store(3)
		back, err := store.Fetch(t.Context(), b, r.Digest, store.Options{})
		if err != nil || !bytes.Equal(back, content) {
			t.Errorf("%d bytes, %v", len(back), err)
		}
		if n := cut.received.Load(); n > 5<<20+100_000 || cut.left.Load() > 0 {
			t.Errorf("%d bytes came, %d cuts left: what had come comes again", n, cut.left.Load())
		}
		cut.left.Store(1000) // after every million
		if back, err = store.Fetch(t.Context(), b, r.Digest, store.Options{}); err != nil || !bytes.Equal(back, content) {
			t.Errorf("%d bytes, %v", len(back), err)
		}
	})
	t.Run("keys", func(t *testing.T) {
		bad := config
		bad.SecretKey = "other"
		name, err := store.NameOf(tensors.DigestOf(nil))
		if err != nil {
			t.Fatal(err)
		}
		err = open(t, bad).Put(t.Context(), name, strings.NewReader(""), 0)
		if !errors.Is(err, runpod.ErrForbidden) || strings.Contains(err.Error(), "other") {
			t.Errorf("a wrong secret: %v", err)
		}
		bad = config
		bad.Bucket = "none"
		if err := open(t, bad).Put(t.Context(), name, strings.NewReader(""), 0); !errors.Is(err, runpod.ErrNotFound) {
			t.Errorf("a bucket that is not there: %v", err)
		}
	})
	t.Run("address", func(t *testing.T) {
		b := open(t, config)
		r, err := store.Send(t.Context(), b, store.Bytes([]byte("content")), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		name, err := store.NameOf(r.Digest)
		if err != nil {
			t.Fatal(err)
		}
		address, err := s3.Signed{Bucket: b}.URL(t.Context(), name, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if text, err := io.ReadAll(resp.Body); err != nil || string(text) != "content" {
			t.Errorf("got %q, %v", text, err)
		}
	})
	t.Run("a large object", func(t *testing.T) {
		content := storetest.Random(80 << 20)
		b := open(t, config)
		r, err := store.Send(t.Context(), b, store.Bytes(content), store.Options{})
		if err != nil || r.Parts != 3 {
			t.Fatalf("%+v, %v", r, err)
		}
		back, err := store.Fetch(t.Context(), b, r.Digest, store.Options{})
		if err != nil || !bytes.Equal(back, content) {
			t.Errorf("%d bytes, %v", len(back), err)
		}
	})
}

// A tensor that is larger than one request is still one object.
func TestLargeTensor(t *testing.T) {
	b := open(t, server(t))
	x, err := tensors.From(storetest.Random(150 << 20))
	if err != nil {
		t.Fatal(err)
	}
	r, err := store.SendTensor(t.Context(), b, x)
	if err != nil || r.Sent != r.Size {
		t.Fatalf("%+v, %v", r, err)
	}
	back, err := store.FetchTensor(t.Context(), b, r.Digest, store.Options{})
	if err != nil || !back.Equal(x) {
		t.Errorf("%v, %v", back, err)
	}
}

func TestConfig(t *testing.T) {
	good := s3.Volume("EU-RO-1", "vol123", "user_x", "rps_y")
	if good.Endpoint != "https://s3api-eu-ro-1.runpod.io" || good.Region != "EU-RO-1" || good.Bucket != "vol123" {
		t.Errorf("volume %+v", good)
	}
	if text := fmt.Sprintf("%v %+v %#v", good, good, open(t, good)); strings.Contains(text, "rps_y") {
		t.Error("a config shows its secret")
	}
	for _, change := range []func(*s3.Config){
		func(c *s3.Config) { c.Endpoint = "" },
		func(c *s3.Config) { c.Endpoint = "http://example.com" },
		func(c *s3.Config) { c.Endpoint = "https://example.com/path" },
		func(c *s3.Config) { c.Endpoint = "https://u:p@example.com" },
		func(c *s3.Config) { c.Bucket = "" },
		func(c *s3.Config) { c.SecretKey = "" },
	} {
		c := good
		change(&c)
		if _, err := s3.New(c); !errors.Is(err, runpod.ErrInvalid) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	// A server that fails, and one that does not exist.
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotImplemented) }))
	c := s3.Config{Endpoint: down.URL, Region: "x", Bucket: "bucket", AccessKey: "a", SecretKey: "b"}
	name, err := store.NameOf(tensors.DigestOf(nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, c).Size(t.Context(), name); !errors.Is(err, runpod.ErrServer) {
		t.Errorf("501: %v", err)
	}
}

// A cutting transport breaks the connection after a million bytes of an object, left times.
type cutting struct{ left, received atomic.Int64 }

func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && r.Method == http.MethodGet && resp.ContentLength > 1_000_000 {
		body := &cutBody{ReadCloser: resp.Body, c: c, left: resp.ContentLength}
		if c.left.Add(-1) >= 0 {
			body.left = 1_000_000
		}
		resp.Body = body
	}
	return resp, err
}

type cutBody struct {
	io.ReadCloser
	c    *cutting
	left int64
}

func (b *cutBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	b.c.received.Add(int64(n))
	if err == io.EOF && b.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// No way of printing a config or a bucket shows the secret.
func TestSecret(t *testing.T) {
	c := s3.Config{Endpoint: "https://s3.example", Bucket: "b", AccessKey: "a", SecretKey: "very_secret"}
	b := open(t, c)
	for _, v := range []any{c, &c, b, *b, s3.Signed{Bucket: b}} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
			if strings.Contains(fmt.Sprintf(format, v), "very_secret") {
				t.Errorf("%s of %T shows the secret", format, v)
			}
		}
		if text, err := json.Marshal(v); err == nil && strings.Contains(string(text), "very_secret") {
			t.Errorf("the JSON of %T shows the secret", v)
		}
	}
}
