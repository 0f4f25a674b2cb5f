package runpod

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The service's own addresses.
//
// Source: docs.runpod.io, Serverless, "Send API requests" and API reference.
const (
	DefaultBaseURL       = "https://api.runpod.ai/v2"
	DefaultManagementURL = "https://api.runpod.io/v2"
)

// A Config tells how to reach the service. The zero value reaches RunPod, without a
// key.
type Config struct {
	// APIKey is sent as a bearer token. Without a key, none is sent.
	APIKey Secret
	// EndpointID is for callers that use it with Client.Endpoint; FromEnv fills it in.
	EndpointID EndpointID
	// BaseURL is the job API up to the endpoint's id; default DefaultBaseURL. Plain
	// http is for this machine only, unless PlainHTTP allows it.
	BaseURL string
	// ManagementURL is the management API; default DefaultManagementURL.
	ManagementURL string
	// PlainHTTP allows the key to go unencrypted to other machines.
	PlainHTTP bool

	// Policy fills in what a Request's Policy leaves at zero.
	Policy Policy
	// Timeout is how long a request waits without a byte moving in either direction,
	// in addition to the time for which the server holds it on purpose; default 30 s.
	Timeout time.Duration
	// Attempts is how often a request that may be repeated is sent; default 5.
	Attempts int
	// PollMin and PollMax bound the time between polls of a job, which grows from one
	// to the other. Default 0.25 s to 5 s, and 1 to 20 ms on this machine.
	PollMin, PollMax time.Duration
	// MaxAnswer bounds the body of an answer, in bytes after decompression; default
	// 256 MiB.
	MaxAnswer int64
	// Limits replace the documented limits, by operation. A limit of 0 requests means
	// no limit. Clients of one service and key that set neither Limits nor Transport
	// share their limits across the whole process.
	Limits map[Op]Limit
	// Transport carries the requests; default http.DefaultTransport's settings.
	Transport http.RoundTripper
	// UserAgent is sent with each request; default "gopherpod".
	UserAgent string
}

// A Client talks to one service with one key. It is safe for use by many
// goroutines, which share its rate limits; see Config.Limits.
type Client struct {
	config Config // with defaults
	local  bool   // BaseURL is on this machine
	do     handler

	diagnoses *diagnoses // why jobs wait
	infos     *infos     // what Info has returned
	submitted *submitted
}

// New checks a Config and returns a client. Nothing is sent.
func New(config Config) (*Client, error) {
	c := config
	c.BaseURL = strings.TrimRight(cmp.Or(c.BaseURL, DefaultBaseURL), "/")
	c.ManagementURL = strings.TrimRight(cmp.Or(c.ManagementURL, DefaultManagementURL), "/")
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.Attempts = cmp.Or(c.Attempts, 5)
	c.MaxAnswer = cmp.Or(c.MaxAnswer, 256<<20)
	c.UserAgent = cmp.Or(c.UserAgent, "gopherpod")
	hosts := map[string]bool{}
	for _, address := range []string{c.BaseURL, c.ManagementURL} {
		u, err := parseBase(address, c.PlainHTTP)
		if err != nil {
			return nil, err
		}
		hosts[u.Scheme+"://"+u.Host] = true
	}
	base, err := url.Parse(c.BaseURL)
	if err != nil {
		return nil, err
	}
	local := isLoopback(base.Hostname())
	if local {
		c.PollMin, c.PollMax = cmp.Or(c.PollMin, time.Millisecond), cmp.Or(c.PollMax, 20*time.Millisecond)
	}
	c.PollMin, c.PollMax = cmp.Or(c.PollMin, 250*time.Millisecond), cmp.Or(c.PollMax, 5*time.Second)
	limits := limiters.of(c, 2*retryBase(local))
	if c.Transport == nil {
		c.Transport = newTransport()
	}
	if _, err := c.Policy.complete(Policy{}); err != nil {
		return nil, err
	}
	// From here on the key is in a closure, so that printing a client cannot show it.
	key := c.APIKey.Reveal
	if c.APIKey == "" {
		key = nil
	}
	c.APIKey = ""
	client := &Client{config: c, local: local, diagnoses: &diagnoses{}, infos: &infos{}, submitted: &submitted{pause: visiblePause, at: map[submission]time.Time{}}}
	if local {
		client.submitted.pause = visiblePauseLocal
	}
	// Outermost first: the order in which a request passes them on its way out.
	client.do = chain(
		sender{transport: c.Transport, timeout: c.Timeout, maxAnswer: c.MaxAnswer, agent: c.UserAgent}.handle,
		client.submitted.wrap,
		retrier{attempts: c.Attempts, base: retryBase(local)}.wrap,
		limits.wrap,
		authorizer{key: key, hosts: hosts}.wrap,
	)
	return client, nil
}

// newTransport returns net/http's default transport, with room for many requests to one host.
func newTransport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = 64
	return t
}

// BaseURL returns the address of the job API.
func (c *Client) BaseURL() string { return c.config.BaseURL }

// Local reports whether the job API is on this machine.
func (c *Client) Local() bool { return c.local }

// Managed reports whether the management API is that of the job API's service, so that it can
// say what an endpoint costs.
func (c *Client) Managed() bool { return c.managesOwn() }

// Endpoint returns the endpoint with that id, without checking that it exists.
func (c *Client) Endpoint(id EndpointID) *Endpoint { return &Endpoint{ID: id, client: c} }

// A call is one request on its way.
type call struct {
	op       Op
	gate     Op // whose limit counts, if it is not op's
	spec     opSpec
	endpoint EndpointID
	job      JobID
	method   string
	url      string
	body     body          // nil for none
	open     bool          // the answer is a stream: reply.stream, not reply.body
	hold     time.Duration // how long the server may keep the request open, in addition to the timeout
	header   http.Header   // set by the handlers
	unsure   bool          // an earlier attempt may have been carried out
	key      func() string // the key, which errors must not show, or nil
}

// A reply is a whole answer.
type reply struct {
	status int
	header http.Header
	body   []byte
	stream io.ReadCloser
}

// A handler turns a call into a reply with a status of 2xx, or an *Error.
type handler func(context.Context, *call) (*reply, error)

// chain wraps inner; the first wrapper is the outermost.
func chain(inner handler, wrappers ...func(handler) handler) handler {
	for i := len(wrappers) - 1; i >= 0; i-- {
		inner = wrappers[i](inner)
	}
	return inner
}
