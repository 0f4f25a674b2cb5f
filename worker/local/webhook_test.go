package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var offsets []time.Duration
		var bodies []string
		var logged bytes.Buffer
		hook := hookFunc(func(r *http.Request) (*http.Response, error) {
			b, _ := io.ReadAll(r.Body)
			bodies = append(bodies, string(b))
			offsets = append(offsets, time.Since(begin))
			if r.Header.Get("Authorization") != "" || r.ContentLength != int64(len(b)) {
				t.Errorf("%v %d", r.Header, r.ContentLength)
			}
			switch len(bodies) {
			case 1:
				return nil, errors.New("no route")
			case 2:
				return &http.Response{StatusCode: 500, Status: "500 no", Body: http.NoBody}, nil
			}
			return &http.Response{StatusCode: 204, Body: http.NoBody}, nil
		})
		s := newServer(t, Options{Handler: echo, WebhookClient: &http.Client{Transport: hook}, Log: slog.New(slog.NewTextHandler(&logged, nil))})
		defer s.Close()
		id := mustRun(t, s, `{"input":{"value":{"n":9007199254740993}},"webhook":"https://example.test/hook?secret=1"}`)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(offsets) != 3 || offsets[0] != 0 || offsets[1] != 5*time.Second || offsets[2] != 20*time.Second {
			t.Fatal(offsets)
		}
		var m map[string]any
		if err := json.Unmarshal([]byte(bodies[2]), &m); err != nil {
			t.Fatal(err)
		}
		if m["id"] != id || m["status"] != "COMPLETED" || m["webhook"] != "https://example.test/hook?secret=1" ||
			!strings.Contains(bodies[2], `"output":{"n":9007199254740993}`) || !strings.Contains(bodies[2], `"input":{"value":{"n":9007199254740993}}`) {
			t.Error(bodies[2])
		}
		if text := logged.String(); !strings.Contains(text, "no route") || strings.Contains(text, "secret") {
			t.Errorf("logged %s", text)
		}
		bodies, offsets = nil, nil
		mustRun(t, s, `{"input":{"fail":"x"},"webhook":"https://example.test/hook"}`)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if len(bodies) != 3 || !strings.Contains(bodies[0], `"status":"FAILED"`) || !strings.Contains(bodies[0], `"error":"{`) {
			t.Error(bodies)
		}
	})
}
