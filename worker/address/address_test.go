package address

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func rules(t *testing.T, text string) Rules {
	t.Helper()
	r, err := ParseRules(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRules(t *testing.T) {
	r := rules(t, " https://bucket.example/data/, https://10.0.0.7:9000/,http://127.0.0.1:80/x/,")
	for _, address := range []string{"https://bucket.example/data/x?sig=1", "https://10.0.0.7:9000/x", "http://127.0.0.1:80/x/y"} {
		if err := r.Check(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"https://bucket.example/other", "https://bucket.example.evil/data/", "http://bucket.example/data/x", "https://bucket.example:9/data/x",
		"https://bucket.example/data/../other", "https://bucket.example/data/%2e%2e/other", "https://bucket.example/data/..%2fother", "https://bucket.example/data/a b",
		`https://bucket.example/data/..\x`, "https://user@bucket.example/data/", "file:///etc/passwd", "", "https://10.0.0.70:9000/x", "https://bucket.example/data/\r\nX: y"} {
		if err := r.Check(address); !errors.Is(err, ErrForbidden) {
			t.Errorf("%q: %v", address, err)
		}
	}
	if err := (Rules{}).Check("https://bucket.example/"); !errors.Is(err, ErrForbidden) || !strings.Contains(err.Error(), EnvAllow) {
		t.Errorf("no rules: %v", err)
	}
	for _, bad := range []string{"http://bucket.example/", "http://10.0.0.7/", "https://bucket.example", "https:///x/", "bucket.example/", "ftp://127.0.0.1/", "https://u@h/", "https://h/?x"} {
		if _, err := ParseRules(bad); err == nil {
			t.Errorf("the rule %q is taken", bad)
		}
	}
}

// A host name never leads to a machine that is not on the internet.
func TestPrivateAddresses(t *testing.T) {
	for _, a := range []string{"127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "224.0.0.1", "2002:a00:1::", "64:ff9b::a00:1"} {
		if public(netip.MustParseAddr(a)) {
			t.Errorf("%s counts as public", a)
		}
	}
	for _, a := range []string{"93.184.216.34", "2606:2800:220:1::1"} {
		if !public(netip.MustParseAddr(a)) {
			t.Errorf("%s does not count as public", a)
		}
	}
	if _, err := rules(t, "https://localhost/").Read(t.Context(), "https://localhost/x", 1); !errors.Is(err, ErrForbidden) {
		t.Errorf("localhost by name: %v", err)
	}
}

// serve returns a server on this machine, and rules that allow it.
func serve(t *testing.T, h http.HandlerFunc) (string, Rules) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL + "/x?secret=1", rules(t, s.URL+"/")
}

func TestReadGoesOnAfterACut(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 100_000)
	var sent, requests atomic.Int64
	address, r := serve(t, func(w http.ResponseWriter, req *http.Request) {
		from, n := 0, requests.Add(1)
		w.Header().Set("ETag", `"v1"`)
		if _, err := fmt.Sscanf(req.Header.Get("Range"), "bytes=%d-", &from); err == nil {
			if req.Header.Get("If-Match") != `"v1"` {
				t.Errorf("If-Match %q", req.Header.Get("If-Match"))
			}
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
			w.Header().Set("Content-Length", fmt.Sprint(len(content)-from))
			w.WriteHeader(http.StatusPartialContent)
		} else {
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		}
		if n < 4 {
			m, _ := w.Write(content[from : from+250_000])
			sent.Add(int64(m))
			w.(http.Flusher).Flush()
			time.Sleep(20 * time.Millisecond)
			panic(http.ErrAbortHandler)
		}
		m, _ := w.Write(content[from:])
		sent.Add(int64(m))
	})
	b, err := r.Read(t.Context(), address, int64(len(content)))
	if err != nil || !bytes.Equal(b, content) {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if sent.Load() > int64(len(content))+3*250_000 || requests.Load() != 4 {
		t.Errorf("%d requests, %d bytes of %d", requests.Load(), sent.Load(), len(content))
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		h    http.HandlerFunc
		want error
	}{
		{"expired", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<html>AccessDenied</html>", http.StatusForbidden)
		}, ErrExpired},
		{"gone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, ErrExpired},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		}, ErrExpired},
		{"longer", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 11)) }, ErrLength},
		{"shorter", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 9)) }, ErrLength},
		{"without end", func(w http.ResponseWriter, _ *http.Request) {
			for range 3 {
				w.Write(make([]byte, 10))
				w.(http.Flusher).Flush()
			}
		}, ErrLength},
		{"out of order", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, ErrUnreachable},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address, r := serve(t, c.h)
			_, err := r.Read(t.Context(), address, 10)
			if !errors.Is(err, c.want) || strings.Contains(fmt.Sprint(err), "secret") || strings.Contains(fmt.Sprint(err), "html") {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	cancel(stop)
	address, r := serve(t, func(http.ResponseWriter, *http.Request) {})
	if _, err := r.Read(ctx, address, 10); !errors.Is(err, stop) {
		t.Errorf("interrupted: %v", err)
	}
	_, err := rules(t, "http://127.0.0.1:1/").Read(t.Context(), "http://127.0.0.1:1/?secret=1", 1)
	if !errors.Is(err, ErrUnreachable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("nobody there: %v", err)
	}
}

func TestWrite(t *testing.T) {
	var got []byte
	n := 0
	address, r := serve(t, func(w http.ResponseWriter, req *http.Request) {
		n++
		if n == 1 {
			io.CopyN(io.Discard, req.Body, 1000)
			panic(http.ErrAbortHandler)
		}
		got, _ = io.ReadAll(req.Body)
		if req.Method != http.MethodPut || req.ContentLength != 5000 {
			t.Errorf("%s of %d", req.Method, req.ContentLength)
		}
	})
	content := bytes.Repeat([]byte("x"), 5000)
	if err := r.Write(t.Context(), address, 5000, func() io.Reader { return bytes.NewReader(content) }); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	address, r = serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) })
	if err := r.Write(t.Context(), address, 1, func() io.Reader { return strings.NewReader("x") }); !errors.Is(err, ErrExpired) {
		t.Errorf("expired: %v", err)
	}
	if err := (Rules{}).Write(t.Context(), address, 1, nil); !errors.Is(err, ErrForbidden) {
		t.Errorf("without rules: %v", err)
	}
}

// Whatever a request says, an allowed address is on the rule's own host, below its
// path.
func FuzzRules(f *testing.F) {
	for _, s := range []string{"https://bucket.example/data/x?sig=1", "https://bucket.example/data/../x", "https://bucket.example/data/@evil/", "https://bucket.example/data/%2e%2e%2fx", "https://bucket.example/data//x#y"} {
		f.Add(s)
	}
	r, err := ParseRules("https://bucket.example/data/")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if r.Check(address) != nil {
			return
		}
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" || u.Host != "bucket.example" || u.User != nil || !strings.HasPrefix(path.Clean(u.Path)+"/", "/data/") {
			t.Errorf("%q is allowed: %+v", address, u)
		}
	})
}

func FuzzParseRules(f *testing.F) {
	f.Add("https://a/,http://127.0.0.1:9/x")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRules(text)
		if err != nil {
			return
		}
		for _, p := range r.prefixes {
			if !strings.HasPrefix(p.prefix, "https://") && !strings.HasPrefix(p.prefix, "http://127.") && !strings.HasPrefix(p.prefix, "http://[") {
				t.Errorf("%q is a rule", p.prefix)
			}
		}
	})
}
