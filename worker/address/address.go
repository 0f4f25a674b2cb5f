// Package address reads and writes files at addresses that a request names, as far
// as the operator of the worker allows it: presigned URLs of a bucket, mostly.
//
//	rules, err := address.ParseRules("https://bucket.example/data/")
//	b, err := rules.Read(ctx, url, length)
//
// The rules are the operator's, and a request cannot widen them. A rule is a prefix
// of addresses, "https://host/path/". Behind a name that a rule has, only public
// addresses are read, and the connection goes to the very address that was looked
// at. An operator who means a machine of his own network writes its number:
// "https://10.0.0.7/data/"; http is for this machine alone, "http://127.0.0.1:9000/".
// Redirects are not followed, and no proxy is used.
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

// EnvAllow is the variable that holds a worker's rules, commas between them.
const EnvAllow = "GOPHERPOD_ALLOW_URLS"

// Sentinels, one for each decision.
var (
	// ErrForbidden: the rules do not cover the address.
	ErrForbidden = errors.New("address not allowed")
	// ErrExpired: the address was refused: it has expired, or nothing is there.
	ErrExpired = errors.New("address expired")
	// ErrUnreachable: nobody answered, or the answer broke off again and again.
	ErrUnreachable = errors.New("address unreachable")
	// ErrLength: what is there has another length than was said.
	ErrLength = errors.New("wrong length")
)

// Rules are prefixes of the addresses that may be used. The zero value allows none.
type Rules struct {
	prefixes []rule
}

type rule struct {
	prefix string
	host   string // with the port, as the prefix has it
	number bool   // the host is an IP address: the operator means it
}

// ParseRules reads a list of prefixes with commas between, EnvAllow's. A prefix
// names a host and ends its name with a slash.
func ParseRules(text string) (Rules, error) {
	var r Rules
	for p := range strings.SplitSeq(text, ",") {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		u, err := url.Parse(p)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !strings.HasPrefix(u.Path, "/") {
			return Rules{}, fmt.Errorf("address: the rule %.100q is not https://host/path/", p)
		}
		ip, err := netip.ParseAddr(u.Hostname())
		number := err == nil
		if u.Scheme != "https" && !(u.Scheme == "http" && number && ip.IsLoopback()) {
			return Rules{}, fmt.Errorf("address: the rule %.100q is not https; http is for 127.0.0.1 alone", p)
		}
		r.prefixes = append(r.prefixes, rule{p, u.Host, number})
	}
	return r, nil
}

// Check returns an ErrForbidden unless a rule covers the address. Nothing is sent.
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

// climbs reports whether a path has segments that lead out of its prefix.
func climbs(u *url.URL) bool {
	for s := range strings.SplitSeq(u.Path, "/") { // decoded
		if s == "." || s == ".." {
			return true
		}
	}
	return false
}

// stall is how long a transfer may stand still.
const stall = 30 * time.Second

// client connects to nothing but what the rule means.
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

// publicAddress returns the address behind a name, which is refused if any is not public.
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

// notPublic are the blocks that netip has no question for.
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
