package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/shape"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/local"
)

const testKey = "rpa_deploytestkey"

// answer returns a worker that supports only the check job.
func answer(_ context.Context, job worker.Job, _ func(json.RawMessage) error) (json.RawMessage, error) {
	if !strings.Contains(string(job.Input), `"gpu_info"`) {
		return nil, errors.New("not the check job")
	}
	return json.RawMessage(`{"operation":"gpu_info","status":"success","gpu_info":{"cuda_available":true,"device_count":1,"device_name":"Test \u001b[31mGPU","torch_version":"2.11"}}`), nil
}

// A twin is a fake service without a socket, so that it works inside testing/synctest.
type twin struct {
	*local.Server
	t *testing.T
	// lose makes the service answer 502 after it has carried out a request.
	lose func(r *http.Request) bool
	sent []string // what was changed: "POST /v2/serverless"
}

func newTwin(t *testing.T, opt local.Options) (*twin, *runpod.Client) {
	t.Helper()
	opt.Key = testKey
	s, err := local.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w := &twin{Server: s, t: t}
	const base = "http://127.0.0.1:1/v2"
	client, err := runpod.New(runpod.Config{APIKey: testKey, BaseURL: base, ManagementURL: base, Transport: w})
	if err != nil {
		t.Fatal(err)
	}
	return w, client
}

func (w *twin) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		w.sent = append(w.sent, r.Method+" "+r.URL.Path)
	}
	ctx, cancel := context.WithCancel(r.Context())
	in := r.Clone(ctx)
	var body []byte
	if in.Body != nil {
		var err error
		if body, err = io.ReadAll(in.Body); err != nil {
			cancel()
			return nil, err
		}
	}
	in.Body = io.NopCloser(bytes.NewReader(body))
	if shape.Managed(r.URL.Path) {
		if err := shape.Load(w.t).Request(r.Method, r.URL.Path, r.URL.Query(), body); err != nil {
			w.t.Errorf("RunPod's schema refuses the request: %v", err)
		}
	}
	pr, pw := io.Pipe()
	answer := &pipeWriter{header: http.Header{}, body: pw, begun: make(chan int, 1)}
	go func() {
		defer cancel()
		w.ServeHTTP(answer, in)
		answer.WriteHeader(http.StatusOK)
		pw.Close()
	}()
	select {
	case code := <-answer.begun:
		if w.lose != nil && w.lose(r) {
			cancel()
			pr.Close()
			return &http.Response{StatusCode: 502, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		}
		return &http.Response{StatusCode: code, Header: answer.sent, Body: &pipeBody{pr, cancel}, Request: r, ContentLength: -1}, nil
	case <-ctx.Done():
		pr.Close()
		return nil, context.Cause(ctx)
	}
}

type pipeBody struct {
	*io.PipeReader
	cancel func()
}

func (b *pipeBody) Close() error { b.cancel(); return b.PipeReader.Close() }

type pipeWriter struct {
	header, sent http.Header
	body         *io.PipeWriter
	begun        chan int
}

func (p *pipeWriter) Header() http.Header { return p.header }

func (p *pipeWriter) WriteHeader(code int) {
	if p.sent == nil {
		p.sent = p.header.Clone()
		p.begun <- code
	}
}

func (p *pipeWriter) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return p.body.Write(b)
}

func (p *pipeWriter) Flush() { p.WriteHeader(http.StatusOK) }

// wants fails the test unless got contains every text.
func wants(t *testing.T, got string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(got, text) {
			t.Errorf("no %q in\n%s", text, got)
		}
	}
}
