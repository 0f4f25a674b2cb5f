package local

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// A guard decides which requests may reach the server.
type guard struct {
	key      [sha256.Size]byte
	token    [sha256.Size]byte // for the worker plane only
	loopback bool              // the server listens on loopback only
}

// workerToken returns the token that belongs to a key: it stays the same when
// the server restarts, so workers that are still running keep access.
func workerToken(key string) string {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte("worker plane"))
	return hex.EncodeToString(m.Sum(nil))
}

func newGuard(key, token string) *guard {
	return &guard{key: sha256.Sum256([]byte(key)), token: sha256.Sum256([]byte(token))}
}

// authorised reports whether r carries the key, as "Bearer <key>" or bare. The
// comparison takes the same time for every wrong key, whatever its length.
func (g *guard) authorised(r *http.Request) bool {
	got := r.Header.Get("Authorization")
	if scheme, rest, ok := strings.Cut(got, " "); ok && strings.EqualFold(scheme, "Bearer") {
		got = strings.TrimSpace(rest)
	}
	return same(got, g.key)
}

// worker reports whether r is for the worker plane and carries its token.
func (g *guard) worker(r *http.Request) bool {
	parts := strings.Split(r.URL.Path, "/")
	if len(parts) < 4 {
		return false
	}
	_, ok := workerRoutes[parts[3]]
	return ok && (same(r.URL.Query().Get("token"), g.token) || same(r.Header.Get("Authorization"), g.token))
}

func same(got string, want [sha256.Size]byte) bool {
	sum := sha256.Sum256([]byte(got))
	return subtle.ConstantTimeCompare(sum[:], want[:]) == 1
}

// foreign reports whether a browser sent r on behalf of another site's page or,
// if the server listens on loopback, whether r names a host other than this
// machine (DNS rebinding).
func (g *guard) foreign(r *http.Request) bool {
	if s := r.Header.Get("Sec-Fetch-Site"); s != "" && s != "same-origin" && s != "none" {
		return true
	}
	if o := r.Header.Get("Origin"); o != "" {
		if u, err := url.Parse(o); err != nil || u.Host != r.Host {
			return true
		}
	}
	return g.loopback && !loopbackHost(r.Host)
}

func loopbackHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
