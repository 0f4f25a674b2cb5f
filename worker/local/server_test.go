package local

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/worker"
)

// start returns a server that listens, and a function that calls it.
func start(t testing.TB, opt Options) (*Server, func(method, path string, body []byte) (int, []byte)) {
	t.Helper()
	s, err := Start(context.Background(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	t.Cleanup(client.CloseIdleConnections)
	return s, func(method, path string, body []byte) (int, []byte) {
		t.Helper()
		req, err := http.NewRequest(method, s.BaseURL()+"/"+s.EndpointID()+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.Key())
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, b
	}
}

func TestKeyDoesNotShow(t *testing.T) {
	const key = "rpa_supersecret"
	o := Options{Key: key, EndpointID: "shown"}
	s := newServer(t, o)
	defer s.Close()
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
		text := fmt.Sprintf(format, o) + fmt.Sprintf(format, &o) + fmt.Sprintf(format, s)
		if strings.Contains(text, "supersecret") || strings.Contains(text, s.token()) {
			t.Errorf("%s: %s", format, text)
		}
	}
	if !strings.Contains(fmt.Sprint(o), "shown") || s.Key() != key {
		t.Error(o)
	}
}

func TestStart(t *testing.T) {
	s, do := start(t, Options{Handler: echo})
	if !strings.HasPrefix(s.URL(), "http://127.0.0.1:") || s.BaseURL() != s.URL()+"/v2" || !strings.HasPrefix(s.Key(), "rpa_") || s.EndpointID() != "local" {
		t.Errorf("%s %s %s", s.URL(), s.BaseURL(), s.EndpointID())
	}
	big := []byte(`{"input":{"value":"` + strings.Repeat("A", 9<<20) + `"}}`)
	code, b := do("POST", "/runsync", big)
	if code != 200 || len(b) < 9<<20 {
		t.Fatalf("%d, %d bytes", code, len(b))
	}
	if code, b = do("POST", "/run", bytes.Repeat([]byte("x"), 11<<20)); code != 413 {
		t.Errorf("%d %.100s", code, b)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error("second Close:", err)
	}
}

func TestStartEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Start(ctx, Options{Handler: echo})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	<-s.ctx.Done()
	s.tasks.Wait()
}

func TestCloseEndsLongPolls(t *testing.T) {
	s, _ := start(t, Options{})
	req, _ := http.NewRequest("POST", s.BaseURL()+"/local/runsync", strings.NewReader(`{"input":{"a":1}}`))
	req.Header.Set("Authorization", s.Key())
	done := make(chan error, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		done <- err
	}()
	for s.Health().Jobs.InQueue == 0 {
		time.Sleep(time.Millisecond)
	}
	s.Close()
	<-done
}

// echoInput returns its input unchanged.
func echoInput(_ context.Context, job worker.Job, _ func(json.RawMessage) error) (json.RawMessage, error) {
	return job.Input, nil
}
