package runpod_test

import (
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
)

// serve returns an endpoint "ep" behind a handler on a real socket.
func serve(t *testing.T, config runpod.Config, h http.HandlerFunc) *runpod.Endpoint {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	config.BaseURL, config.APIKey = s.URL+"/v2", cmp.Or(config.APIKey, "rpa_key")
	client, err := runpod.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if !client.Local() {
		t.Error("a server on loopback is not local")
	}
	return client.Endpoint("ep")
}

func TestNoRedirects(t *testing.T) {
	reached := false
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { reached = true }))
	defer other.Close()
	e := serve(t, runpod.Config{}, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	if _, err := e.Health(t.Context()); !errors.Is(err, runpod.ErrBadAnswer) || reached {
		t.Errorf("%v, followed: %v", err, reached)
	}
	if _, err := e.Run(t.Context(), input); !errors.Is(err, runpod.ErrBadAnswer) || reached {
		t.Errorf("%v, followed: %v", err, reached)
	}
}

func TestGzip(t *testing.T) {
	big := strings.Repeat("0123456789", 200_000)
	e := serve(t, runpod.Config{MaxAnswer: 3_000_000}, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Error("gzip is not asked for")
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close()
		fmt.Fprintf(z, `{"id":"j","status":"COMPLETED","output":"%s"}`, strings.Repeat(big, 1+strings.Count(r.URL.Path, "bomb")))
	})
	job, err := e.Status(t.Context(), "j")
	if err != nil || len(job.Output) != len(big)+2 {
		t.Errorf("got %v", err)
	}
	if _, err := e.Status(t.Context(), "bomb"); !errors.Is(err, runpod.ErrTooLarge) {
		t.Errorf("4 MB under a limit of 3: %v", err)
	}
}

func TestHostileAnswers(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"claims much": func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "10000000000") },
		"deep":        func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("[", 1<<20)) },
		"deep object": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, strings.Repeat(`{"output":`, 1<<18))
		},
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for range 200 {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		},
		"cut": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{"id":`)
		},
		"headers": func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X", strings.Repeat("x", 20<<20)) },
	}
	for name, h := range answers {
		t.Run(name, func(t *testing.T) {
			e := serve(t, runpod.Config{MaxAnswer: 4 << 20, Attempts: 2}, h)
			_, err := e.Status(t.Context(), "j")
			var typed *runpod.Error
			if !errors.As(err, &typed) || len(err.Error()) > 1000 {
				t.Errorf("got %.300v", err)
			}
			_, err = e.Run(t.Context(), input)
			if !errors.As(err, &typed) || !errors.Is(err, runpod.ErrUnknownOutcome) || errors.Is(err, runpod.ErrTooLarge) {
				t.Errorf("run: %.300v", err)
			}
		})
	}
}

// If an answer repeats the key, no error or output shows it.
func TestKeyRepeated(t *testing.T) {
	const key = "rpa_0123456789abcdef0123456789abcdef"
	for _, answer := range []string{
		`{"error":"bad: Bearer ` + key + `"}`, key, `{"id":"j","status":"FAILED","error":"` + key + `"}`,
		`{"id":"j","status":"COMPLETED","output":{"env":"` + key + `"}}`, `{"status":"FAILED","stream":[{"output":"` + key + `"}],"error":"` + key + `"}`,
	} {
		for _, code := range []int{200, 400, 500} {
			e := serve(t, runpod.Config{APIKey: key, Attempts: 1}, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(code)
				io.WriteString(w, answer)
			})
			show := func(v any, err error) {
				if job, ok := v.(*runpod.Job); ok && job != nil {
					v = fmt.Sprintf("%+v %s %v", *job, job.Output, job.Err())
				}
				if text := fmt.Sprintf("%+v %v", v, err); strings.Contains(text, key[4:]) {
					t.Errorf("%d %s: %s", code, answer, text)
				}
			}
			job, err := e.Run(t.Context(), input)
			show(job, err)
			job, err = e.Status(t.Context(), "j")
			show(job, err)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // Follow waits for an outage to end
			for update, err := range e.Follow(ctx, "j") {
				show(update, err)
				for _, c := range update.Chunks {
					show(string(c), nil)
				}
				break
			}
			cancel()
			health, err := e.Health(t.Context())
			show(health, err)
		}
	}
}

func TestUnreachable(t *testing.T) {
	s := httptest.NewServer(nil)
	s.Close()
	client, err := runpod.New(runpod.Config{BaseURL: s.URL, Attempts: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Endpoint("ep").Run(t.Context(), input); !errors.Is(err, runpod.ErrUnreachable) || errors.Is(err, runpod.ErrUnknownOutcome) {
		t.Errorf("nobody listens: %v", err)
	}
	tls := httptest.NewTLSServer(nil)
	defer tls.Close()
	tls.Config.ErrorLog = nil
	client, err = runpod.New(runpod.Config{BaseURL: tls.URL, Attempts: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Endpoint("ep").Run(t.Context(), input); !errors.Is(err, runpod.ErrUnreachable) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody signed: %v", err)
	}
}

// A large answer over a slow line does not count as silence.
func TestSlowLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trickle := func(pause time.Duration) transport {
			return func(r *http.Request) (*http.Response, error) {
				reader, writer := io.Pipe()
				go func() {
					for _, c := range []byte(completed) {
						select {
						case <-time.After(pause):
						case <-r.Context().Done():
							writer.CloseWithError(r.Context().Err())
							return
						}
						writer.Write([]byte{c})
					}
					writer.Close()
				}()
				return &http.Response{StatusCode: 200, Body: reader, Request: r}, nil
			}
		}
		client, err := runpod.New(runpod.Config{Transport: trickle(20 * time.Second)})
		if err != nil {
			t.Fatal(err)
		}
		if job, err := client.Endpoint("ep").Status(t.Context(), "j"); err != nil || job.Status != runpod.StatusCompleted {
			t.Errorf("a byte each 20 s: %v", err)
		}
		client, err = runpod.New(runpod.Config{Transport: trickle(40 * time.Second), Attempts: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Endpoint("ep").Status(t.Context(), "j"); !errors.Is(err, runpod.ErrUnreachable) {
			t.Errorf("a byte each 40 s: %v", err)
		}
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The service counts requests per key, so the clients of a process share their limits.
func TestClientsShareLimits(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"removed":0,"status":"completed"}`) }))
	defer s.Close()
	purge := func(key runpod.Secret, limits map[runpod.Op]runpod.Limit) error {
		client, err := runpod.New(runpod.Config{BaseURL: s.URL, APIKey: key, Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err = client.Endpoint("ep").PurgeQueue(ctx)
		return err
	}
	for i := range 3 { // two in ten seconds
		if err := purge("one", nil); (err == nil) != (i < 2) || err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if err := errors.Join(purge("two", nil), purge("one", map[runpod.Op]runpod.Limit{})); err != nil {
		t.Errorf("another key, and own limits: %v", err)
	}
}
