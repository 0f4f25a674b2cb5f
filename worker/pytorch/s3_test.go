package pytorch_test

import (
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/runpod/store/s3"
	"github.com/gopherpod/gopherpod/runpod/store/storetest"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker/local"
)

// A counter counts the bytes of requests' bodies.
type counter struct{ sent atomic.Int64 }

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, c), r.Body}
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (c *counter) Write(b []byte) (int, error) { c.sent.Add(int64(len(b))); return len(b), nil }

// TestThroughS3: a real S3 server between the Go client and the PyTorch worker, as a
// network volume that the worker has mounted, and as a bucket that it reads by
// presigned URLs. What is there is not sent again.
func TestThroughS3(t *testing.T) {
	server := storetest.StartS3(t)
	x, err := tensors.New(tensors.Float32, 10_000, 200)
	if err != nil {
		t.Fatal(err)
	}
	values, err := x.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 6))
	y := make([]int, x.Rows())
	for i := range values {
		values[i] = r.Float32()
		y[i/200] = i / 200 % 2
	}
	for _, way := range []string{"volume", "bucket"} {
		t.Run(way, func(t *testing.T) {
			c := &counter{}
			b, err := s3.New(s3.Config{Endpoint: server.Endpoint, Region: server.Region, Bucket: server.Bucket, AccessKey: server.AccessKey,
				SecretKey: runpod.Secret(server.SecretKey), Transport: c, Prefix: way + "/"})
			if err != nil {
				t.Fatal(err)
			}
			e := newEndpoint(t, local.Options{})
			var s store.Store = b
			if way == "volume" {
				e.store = filepath.Join(server.Folder, way)
			} else {
				signed := s3.Signed{Bucket: b}
				t.Setenv("GOPHERPOD_ALLOW_URLS", signed.Rule())
				s = signed
			}
			e.attach("w1")
			var lines []string
			o := train.Options{Endpoint: client(t, e.Server), Store: s, Epochs: 1, BatchSize: 5000, Seed: train.Seed(1), OnEvent: func(e train.Event) {
				if e.Notice != "" {
					lines = append(lines, string(e.Notice))
				}
			}}
			fit := func(spec string, rows int) (*train.Model, string) {
				t.Helper()
				lines = nil
				c.sent.Store(0)
				m, err := train.Fit(t.Context(), train.Layers(spec), train.Data{X: head(t, x, rows), Y: y[:rows]}, o)
				if err != nil {
					t.Fatal(err)
				}
				return m, strings.Join(lines, "\n")
			}
			_, got := fit("linear 2", 10_000)
			if n := c.sent.Load(); n < 8e6 || n > 8.4e6 || !strings.Contains(got, "X: "+x.Digest()[:12]+" 8.0 MB, 8.0 MB sent") {
				t.Errorf("%d bytes: %s", n, got)
			}
			_, got = fit("linear 2", 10_000)
			if n := c.sent.Load(); n > 100_000 || !strings.Contains(got, "X: "+x.Digest()[:12]+" 8.0 MB, already there, 0 B sent") {
				t.Errorf("%d bytes the second time: %s", n, got)
			}
			m, got := fit("linear 5000\nrelu\nlinear 2", 100)
			if strings.Contains(got, "from the bucket") != (way == "bucket") || !m.HasWeights() {
				t.Errorf("states of 12 MB: %s", got)
			}
			// Predictions of 16 MB: one job by the bucket, two by answers.
			m, _ = fit("linear 400", 100)
			scores, err := m.Predict(x)
			if err != nil {
				t.Fatal(err)
			}
			if rows, width := scores.Dims(); rows != 10_000 || width != 400 {
				t.Errorf("%d x %d predictions", rows, width)
			}
		})
	}
}

func head(t *testing.T, x tensors.Tensor, rows int) tensors.Tensor {
	t.Helper()
	s, err := x.SliceRows(0, rows)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
