package train

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
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
	"github.com/gopherpod/gopherpod/worker/address"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// A counter counts the bytes of request bodies.
type counter struct {
	sent atomic.Int64
	cut  atomic.Int64 // so many more requests are cut after 3 MB of their body
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		body := &counted{ReadCloser: r.Body, c: c, left: -1}
		if r.ContentLength > 4e6 && c.cut.Add(-1) >= 0 {
			body.left = 3e6
		}
		r.Body = body
	}
	return http.DefaultTransport.RoundTrip(r)
}

type counted struct {
	io.ReadCloser
	c    *counter
	left int64 // -1: all
}

func (b *counted) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errors.New("the line is cut")
	}
	if b.left > 0 {
		p = p[:min(int64(len(p)), b.left)]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left > 0 {
		b.left -= int64(n)
	}
	b.c.sent.Add(int64(n))
	return n, err
}

func bucketOf(t *testing.T, s storetest.S3, transport http.RoundTripper) *s3.Bucket {
	t.Helper()
	b, err := s3.New(s3.Config{Endpoint: s.Endpoint, Region: s.Region, Bucket: s.Bucket, AccessKey: s.AccessKey, SecretKey: runpod.Secret(s.SecretKey), Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wide returns data of 8 MB whose labels can be learned.
func wide(t *testing.T) (x tensors.Tensor, y []int) {
	t.Helper()
	x, err := tensors.New(tensors.Float32, 10_000, 200)
	if err != nil {
		t.Fatal(err)
	}
	values, err := x.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	y = make([]int, x.Rows())
	for i := range values {
		values[i] = r.Float32()
		y[i/200] = i / 200 % 2
	}
	return x, y
}

// said collects the lines of a training about its data.
func said(lines *[]string) func(Event) {
	return func(e Event) {
		if e.Notice != "" {
			*lines = append(*lines, string(e.Notice))
		}
	}
}

// TestThroughVolume: data is sent once, over S3 into a network volume, and the worker that
// has mounted the volume reads it there.
func TestThroughVolume(t *testing.T) {
	server := storetest.StartS3(t)
	mounted := filepath.Join(server.Folder, "gopherpod")
	p := newTap(t, func() engine.Store { return local.FolderStore(mounted, 0) })
	c := &counter{}
	var lines []string
	x, y := wide(t)
	o := Options{Endpoint: p.endpoint, Store: bucketOf(t, server, c), Epochs: 1, BatchSize: 5000, Seed: Seed(1), OnEvent: said(&lines)}
	m, err := Fit(t.Context(), Layers("linear 2"), Data{X: x, Y: y}, o)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(lines, "\n"); !strings.Contains(got, "X: "+x.Digest()[:12]+" 8.0 MB, 8.0 MB sent") {
		t.Error(got)
	}
	if n := c.sent.Load(); n < 8e6 || n > 8.4e6 || p.bytes > 100_000 {
		t.Errorf("%d bytes to the volume, %d in jobs", n, p.bytes)
	}
	c.sent.Store(0)
	lines = nil
	o.From = m
	if _, err := Fit(t.Context(), nil, Data{X: x, Y: y}, o); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(lines, "\n"); !strings.Contains(got, "X: "+x.Digest()[:12]+" 8.0 MB, already there, 0 B sent") {
		t.Error(got)
	}
	if n := c.sent.Load(); n > 100_000 {
		t.Errorf("%d bytes the second time", n)
	}
	// The worker removes the damaged array, and only that one is sent again.
	file := filepath.Join(mounted, "data", x.Digest()[:2], x.Digest()+".safetensors")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	p.lose(func() engine.Store { return local.FolderStore(mounted, 0) })
	c.sent.Store(0)
	if _, err := Fit(t.Context(), nil, Data{X: x, Y: y}, o); err != nil {
		t.Fatal(err)
	}
	if n := c.sent.Load(); n < 8e6 || n > 8.4e6 {
		t.Errorf("%d bytes after damage", n)
	}
}

// guarded returns a tap on an engine whose operator allows a bucket's addresses.
func guarded(t *testing.T, rules string) *tap {
	t.Helper()
	r, err := address.ParseRules(rules)
	if err != nil {
		t.Fatal(err)
	}
	p := newTap(t, func() engine.Store { return engine.MemoryStore(1 << 30) })
	p.handler = engine.Handler(engine.Options{Addresses: r})
	return p
}

// TestThroughBucket: data goes to a bucket of the user, the worker reads it through
// presigned URLs, and large results come back through the bucket.
func TestThroughBucket(t *testing.T) {
	server := storetest.StartS3(t)
	c := &counter{}
	bucket := s3.Signed{Bucket: bucketOf(t, server, c)}
	p := guarded(t, bucket.Rule())
	var lines []string
	x, y := wide(t)
	spec := "linear 12000\nrelu\nlinear 2" // 2.4 million weights: states of 29 MB
	o := Options{Endpoint: p.endpoint, Store: bucket, Epochs: 1, BatchSize: 10_000, Seed: Seed(1), OnEvent: said(&lines)}
	o.Validation = &Data{X: slice(t, x, 100), Y: y[:100]}
	small := Data{X: slice(t, x, 2000), Y: y[:2000]}
	m, err := Fit(t.Context(), Layers(spec), small, o)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(lines, "\n")
	if !strings.Contains(got, "1.6 MB, 1.6 MB sent") || !strings.Contains(got, "the result: 29.") || !m.HasWeights() {
		t.Errorf("%s\n%v", got, m)
	}
	if p.bytes > 100_000 {
		t.Errorf("%d bytes in jobs", p.bytes)
	}
	if left, err := filepath.Glob(filepath.Join(server.Folder, "gopherpod", "results", "*")); err != nil || len(left) != 1 { // until it is pruned
		t.Errorf("results: %v, %v", left, err)
	}
	// The same figures as without a bucket.
	plain := o
	plain.Store, plain.OnEvent, plain.Inline = store.Dir(t.TempDir()), nil, 1<<30
	want, err := Fit(t.Context(), Layers(spec), Data{X: slice(t, x, 1000), Y: y[:1000]}, plain)
	if err != nil {
		t.Fatal(err)
	}
	plain = o
	again, err := Fit(t.Context(), Layers(spec), Data{X: slice(t, x, 1000), Y: y[:1000]}, plain)
	if err != nil || again.state != want.state || again.optimizerState != want.optimizerState {
		t.Errorf("%v: other states by the bucket", err)
	}
	// Data that is there is not sent again.
	c.sent.Store(0)
	lines = nil
	if _, err := Fit(t.Context(), Layers("linear 2"), small, o); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(lines, "\n"); c.sent.Load() > 0 || strings.Count(got, "already there, 0 B sent") < 1 {
		t.Errorf("%d bytes: %s", c.sent.Load(), got)
	}
	// Predictions of 16 MB in one job.
	wideModel, err := Fit(t.Context(), Layers("linear 400"), Data{X: slice(t, x, 100), Y: y[:100]}, Options{Endpoint: p.endpoint, Store: bucket, Epochs: 1, Seed: Seed(1)})
	if err != nil {
		t.Fatal(err)
	}
	before := len(p.requests)
	scores, err := wideModel.Predict(x)
	if err != nil {
		t.Fatal(err)
	}
	if n, width := scores.Dims(); n != 10_000 || width != 400 || len(p.requests) != before+1 {
		t.Errorf("%d x %d predictions in %d jobs", n, width, len(p.requests)-before)
	}
}

func slice(t *testing.T, x tensors.Tensor, rows int) tensors.Tensor {
	t.Helper()
	s, err := x.SliceRows(0, rows)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestBucketFaults: expired addresses, damage, broken connections, a worker that is not
// allowed to read from the bucket.
func TestBucketFaults(t *testing.T) {
	server := storetest.StartS3(t)
	c := &counter{}
	bucket := s3.Signed{Bucket: bucketOf(t, server, c)}
	x, y := wide(t)
	fit := func(p *tap, s store.Store, lines *[]string) error {
		_, err := Fit(t.Context(), Layers("linear 2"), Data{X: x, Y: y}, Options{Endpoint: p.endpoint, Store: s, Epochs: 1, BatchSize: 5000, Seed: Seed(1), OnEvent: said(lines)})
		return err
	}
	t.Run("cut while sending", func(t *testing.T) {
		c.cut.Store(2)
		defer c.cut.Store(0)
		var lines []string
		if err := fit(guarded(t, bucket.Rule()), bucket, &lines); err != nil {
			t.Fatal(err)
		}
		if n := c.sent.Load(); n < 14e6 || n > 15e6 {
			t.Errorf("%d bytes with two cuts at 3 MB", n)
		}
	})
	t.Run("expired", func(t *testing.T) {
		c.sent.Store(0)
		e := &expiring{Signed: bucket, stale: 1}
		p := guarded(t, bucket.Rule())
		var lines []string
		if err := fit(p, e, &lines); err != nil {
			t.Fatal(err)
		}
		if n := c.sent.Load(); n > 0 || len(p.requests) != 2 {
			t.Errorf("%d bytes sent, %d jobs: fresh addresses would have done", n, len(p.requests))
		}
	})
	t.Run("damaged", func(t *testing.T) {
		file := filepath.Join(server.Folder, "gopherpod", "data", x.Digest()[:2], x.Digest()+".safetensors")
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)-1] ^= 1
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		c.sent.Store(0)
		var lines []string
		if err := fit(guarded(t, bucket.Rule()), bucket, &lines); err != nil {
			t.Fatal(err)
		}
		if n := c.sent.Load(); n < 8e6 || n > 8.4e6 {
			t.Errorf("%d bytes sent: %s", n, lines)
		}
	})
	t.Run("not allowed", func(t *testing.T) {
		p := guarded(t, "https://elsewhere.example/")
		var lines []string
		if err := fit(p, bucket, &lines); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(lines, "\n"); !strings.Contains(got, "does not read from the bucket") || !strings.Contains(got, "GOPHERPOD_ALLOW_URLS="+bucket.Rule()) || p.bytes < 8e6 {
			t.Errorf("%d bytes in jobs: %s", p.bytes, got)
		}
	})
	t.Run("predictions where it is not allowed", func(t *testing.T) {
		p := guarded(t, "")
		m, err := Fit(t.Context(), Layers("linear 400"), Data{X: slice(t, x, 100), Y: y[:100]}, Options{Endpoint: p.endpoint, Store: bucket, Epochs: 1, Seed: Seed(1)})
		if err != nil {
			t.Fatal(err)
		}
		if scores, err := m.Predict(x); err != nil || scores.RawMatrix().Rows != 10_000 {
			t.Errorf("%v", err)
		}
	})
}

// An expiring bucket returns addresses that have expired already, the first few times.
type expiring struct {
	s3.Signed
	stale int
}

func (e *expiring) URL(ctx context.Context, name store.Name, expires time.Duration) (string, error) {
	address, err := e.Signed.URL(ctx, name, expires)
	if e.stale <= 0 || err != nil {
		return address, err
	}
	e.stale--
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	q := u.Query()
	q.Set("X-Amz-Date", "20200101T000000Z")
	u.RawQuery = q.Encode()
	return u.String(), nil
}
