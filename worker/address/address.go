// Package address reads and writes files at addresses that a request names and the
// operator of the worker allows: mostly presigned URLs of a bucket.
//
//	rules, err := address.ParseRules("https://bucket.example/data/")
//	b, err := rules.Read(ctx, url, length)
//
// The operator sets the rules, and a request cannot extend them. A rule is a prefix
// of addresses, "https://host/path/". If its host is a name, the name must resolve to
// public addresses only, and the connection goes to the IP address that was checked.
// To allow a machine of a private network, the operator writes its IP address:
// "https://10.0.0.7/data/". Plain http is allowed for this machine only:
// "http://127.0.0.1:9000/". The package does not follow redirects and uses no proxy.
package address

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// EnvAllow is the environment variable with a worker's rules, separated by
// commas.
const EnvAllow = "GOPHERPOD_ALLOW_URLS"

// The errors that callers distinguish.
var (
	// ErrForbidden: no rule covers the address.
	ErrForbidden = errors.New("address not allowed")
	// ErrExpired: the server refused the request, because the address has
	// expired or the file does not exist.
	ErrExpired = errors.New("address expired")
	// ErrUnreachable: the server did not answer, or the connection kept
	// breaking.
	ErrUnreachable = errors.New("address unreachable")
	// ErrLength: the file does not have the length that the request stated.
	ErrLength = errors.New("wrong length")
)

// Rules are prefixes of the allowed addresses. The zero value allows none.
type Rules struct {
	prefixes []rule
}

type rule struct {
	prefix string
	host   string // with the port, as in the prefix
	number bool   // the host is an IP address, which may be private
}

// ParseRules parses the value of EnvAllow, a comma-separated list of prefixes.
// A prefix has a host and at least a slash after it.
func ParseRules(text string) (Rules, error) {
	var r Rules
	for p := range strings.SplitSeq(text, ",") {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		u, err := url.Parse(p)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !strings.HasPrefix(u.Path, "/") {
			return Rules{}, fmt.Errorf("address: want https://host/path/, got the rule %.100q", p)
		}
		ip, err := netip.ParseAddr(u.Hostname())
		number := err == nil
		if u.Scheme != "https" && !(u.Scheme == "http" && number && ip.IsLoopback()) {
			return Rules{}, fmt.Errorf("address: want https, got the rule %.100q; http is allowed for 127.0.0.1 only", p)
		}
		r.prefixes = append(r.prefixes, rule{p, u.Host, number})
	}
	return r, nil
}

// Check returns ErrForbidden unless a rule covers the address. It sends nothing.
func (r Rules) Check(address string) error {
	_, err := r.rule(address)
	return err
}

func (r Rules) rule(address string) (rule, error) {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || strings.ContainsAny(address, " \\\r\n\t") || climbs(u) {
		return rule{}, fmt.Errorf("%w: want a plain https address", ErrForbidden)
	}
	for _, p := range r.prefixes {
		if strings.HasPrefix(address, p.prefix) && u.Host == p.host {
			return p, nil
		}
	}
	return rule{}, fmt.Errorf("%w: the operator of this worker allows prefixes with %s=https://host/path/", ErrForbidden, EnvAllow)
}

// climbs reports whether a path has . or .. segments, which could lead out of
// its prefix.
func climbs(u *url.URL) bool {
	for s := range strings.SplitSeq(u.Path, "/") { // decoded
		if s == "." || s == ".." {
			return true
		}
	}
	return false
}

// stall is how long a transfer may go without progress.
const stall = 30 * time.Second

// client returns a client that connects only to what the rule allows.
func (p rule) client() *http.Client {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableCompression: true, ResponseHeaderTimeout: stall, TLSHandshakeTimeout: stall,
			DialContext: func(ctx context.Context, network, hostport string) (net.Conn, error) {
				if p.number {
					return dialer.DialContext(ctx, network, hostport)
				}
				host, port, err := net.SplitHostPort(hostport)
				if err != nil {
					return nil, err
				}
				ip, err := publicAddress(ctx, host)
				if err != nil {
					return nil, err
				}
				return dialer.DialContext(ctx, network, net.JoinHostPort(ip.String(), port))
			},
		},
	}
}

// publicAddress resolves a name to an IP address. It refuses the name if any of its
// addresses is not public.
func publicAddress(ctx context.Context, host string) (netip.Addr, error) {
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(found) == 0 {
		return netip.Addr{}, fmt.Errorf("%w: no such host: %.100s", ErrUnreachable, host)
	}
	for _, ip := range found {
		if !public(ip) {
			return netip.Addr{}, fmt.Errorf("%w: %.100s has a private address, which is never read", ErrForbidden, host)
		}
	}
	return found[0].Unmap(), nil
}

// notPublic are the blocks for which netip has no method.
//
// Source: IANA, special-purpose address registries.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
}

func public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}
