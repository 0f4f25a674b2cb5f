package runpod

import (
	"context"
	"net"
	"net/url"
	"strings"
)

// parseBase parses an address. It accepts https, and http if the address is on this machine
// or plain is true.
func parseBase(address string, plain bool) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, invalid("config", "", "the address %q is not a URL", address)
	}
	switch {
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, invalid("config", "", "the address of %s has a user, a query or a fragment", u.Host)
	case u.Scheme == "https":
	case u.Scheme == "http" && (plain || isLoopback(u.Hostname())):
	case u.Scheme == "http":
		return nil, invalid("config", "", "http://%s would carry the API key unencrypted to another machine; use https, or set PlainHTTP", u.Host)
	default:
		return nil, invalid("config", "", "the address %q is neither http nor https", address)
	}
	return u, nil
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// An authorizer adds the key to requests to its hosts, and refuses all other hosts.
type authorizer struct {
	key   func() string   // nil for none
	hosts map[string]bool // scheme://host
}

func (a authorizer) wrap(next handler) handler {
	return func(ctx context.Context, c *call) (*reply, error) {
		u, err := url.Parse(c.url)
		if err != nil || !a.hosts[u.Scheme+"://"+u.Host] {
			return nil, invalid(c.op, c.endpoint, "the request would leave the configured hosts")
		}
		if a.key != nil {
			c.key = a.key
			c.header.Set("Authorization", "Bearer "+a.key())
		}
		return next(ctx, c)
	}
}
