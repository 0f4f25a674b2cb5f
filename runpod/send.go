package runpod

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A body can be read from its start more than once.
type body interface {
	Len() int64
	NewReader() io.Reader
}

// errNotSent marks a request that was not sent at all: it cannot have been accepted.
var errNotSent = errors.New("no connection")

// A sender is the last handler of the chain. It makes one HTTP exchange.
type sender struct {
	transport http.RoundTripper
	timeout   time.Duration
	maxAnswer int64
	agent     string
}

func (s sender) handle(ctx context.Context, c *call) (*reply, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	base := ctx
	if !c.spec.repeatable {
		var release func()
		base, release = graceful(ctx)
		defer release()
	}
	inner, watch, cancel := watched(base, s.timeout+c.hold)
	req, err := s.request(inner, c, watch)
	if err != nil {
		cancel()
		return nil, invalid(c.op, c.endpoint, "%v", err)
	}
	// RoundTrip instead of Client.Do, because redirects must not be followed.
	resp, err := s.transport.RoundTrip(req)
	if err != nil {
		defer cancel()
		return nil, s.noAnswer(ctx, inner, c, err)
	}
	if c.open && resp.StatusCode/100 == 2 {
		watch.Stop()
		return &reply{status: resp.StatusCode, header: resp.Header, stream: &openBody{resp.Body, cancel}}, nil
	}
	defer cancel()
	defer resp.Body.Close()
	resp.Body = &progress{resp.Body, watch}
	limit := s.maxAnswer
	if n := c.spec.maxAnswer; n > 0 {
		limit = min(limit, n)
	}
	b, err := readAnswer(resp, limit)
	out := &reply{status: resp.StatusCode, header: resp.Header, body: b}
	switch {
	case errors.Is(err, ErrTooLarge) && !c.spec.repeatable && c.method != http.MethodGet && out.status/100 == 2:
		return nil, c.fail(ErrUnknownOutcome, out, err.Error()) // it was accepted, most likely
	case errors.Is(err, ErrTooLarge):
		return nil, c.fail(ErrTooLarge, out, strings.TrimPrefix(err.Error(), ErrTooLarge.Error()+": "))
	case err != nil:
		return nil, s.noAnswer(ctx, inner, c, err)
	case out.status/100 != 2:
		return nil, c.refusal(out)
	}
	return out, nil
}

// A watchdog cancels a context when no byte has moved for some time.
type watchdog struct {
	*time.Timer
	limit time.Duration
}

// watched returns a context that is cancelled when limit has passed since the last byte
// moved.
func watched(ctx context.Context, limit time.Duration) (inner context.Context, w *watchdog, cancel func()) {
	inner, end := context.WithCancelCause(ctx)
	w = &watchdog{time.AfterFunc(limit, func() { end(fmt.Errorf("no answer within %v", limit)) }), limit}
	return inner, w, func() { w.Stop(); end(nil) }
}

// progress reads a body, and tells the watchdog when bytes move.
type progress struct {
	io.ReadCloser
	watch *watchdog
}

func (p *progress) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	if n > 0 && p.watch.Stop() { // if it has fired already, it stays fired
		p.watch.Reset(p.watch.limit)
	}
	return n, err
}

// An openBody is the body of a stream, which is open until it is closed.
type openBody struct {
	io.ReadCloser
	cancel func()
}

func (o *openBody) Close() error {
	o.cancel()
	return o.ReadCloser.Close()
}

// grace is how long an interrupted request that changes something may still wait
// for its answer, which names what it created.
const grace = 3 * time.Second

// graceful returns a context that is done grace after ctx is.
func graceful(ctx context.Context) (longer context.Context, release func()) {
	longer, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(grace)
		defer t.Stop()
		select {
		case <-t.C:
			cancel(context.Cause(ctx))
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel(nil) }
}

func (s sender) request(ctx context.Context, c *call, watch *watchdog) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, c.method, c.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header = c.header.Clone()
	req.Header.Set("User-Agent", s.agent)
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json")
	}
	if c.body != nil {
		req.Header.Set("Content-Type", "application/json")
		req.ContentLength = c.body.Len()
		req.GetBody = func() (io.ReadCloser, error) {
			return &progress{io.NopCloser(c.body.NewReader()), watch}, nil
		}
		if req.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	return req, nil
}

// noAnswer returns the error for a request without an answer. The kind of the error depends
// on whether the request may have been accepted.
func (s sender) noAnswer(ctx, inner context.Context, c *call, err error) error {
	safe := c.spec.repeatable || c.method == http.MethodGet
	notSent := neverConnected(err)
	if ctx.Err() != nil && (safe || notSent) {
		return context.Cause(ctx)
	}
	e := &Error{Op: c.op, Endpoint: c.endpoint, JobID: c.job, Kind: ErrUnknownOutcome, Cause: err}
	if cause := context.Cause(inner); cause != nil {
		e.Cause = cause // the caller's, or our own time limit
	}
	switch {
	case notSent:
		e.Kind, e.Message, e.Cause = ErrUnreachable, err.Error(), errors.Join(e.Cause, errNotSent)
	case safe:
		e.Kind = ErrUnreachable
	}
	return e
}

// neverConnected reports whether an error occurred before the request was written: no
// address, no connection, no trust. For other errors we cannot tell.
func neverConnected(err error) bool {
	var dns *net.DNSError
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	return errors.As(err, &dns) || errors.As(err, &cert) || errors.As(err, &op) && op.Op == "dial"
}

// readAnswer reads a body up to limit, into memory that grows with the data and not with
// what a header promises.
func readAnswer(resp *http.Response, limit int64) ([]byte, error) {
	if resp.ContentLength > limit {
		return nil, fmt.Errorf("%w: an answer of %d bytes, over the limit of %d", ErrTooLarge, resp.ContentLength, limit)
	}
	var b bytes.Buffer
	b.Grow(int(min(max(resp.ContentLength, 0), 1<<20) + bytes.MinRead))
	n, err := b.ReadFrom(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, fmt.Errorf("%w: an answer over the limit of %d bytes", ErrTooLarge, limit)
	}
	return b.Bytes(), nil
}

// refusal turns a status other than 2xx into an error.
func (c *call) refusal(r *reply) error {
	kind := ErrBadAnswer
	switch s := r.status; {
	case s == http.StatusBadRequest || s == http.StatusUnprocessableEntity || s == http.StatusMethodNotAllowed:
		kind = ErrBadRequest
	case s == http.StatusUnauthorized:
		kind = ErrUnauthorized
	case s == http.StatusForbidden:
		kind = ErrForbidden
	case s == http.StatusNotFound || s == http.StatusGone:
		kind = ErrNotFound
	case s == http.StatusConflict:
		kind = ErrConflict
	case s == http.StatusRequestEntityTooLarge:
		kind = ErrTooLarge
	case s == http.StatusTooManyRequests:
		kind = ErrRateLimited
	case s >= 500 && (c.spec.repeatable || c.method == http.MethodGet):
		kind = ErrServer
	case s >= 500:
		kind = ErrUnknownOutcome
	}
	return c.fail(kind, r, said(r))
}

func (c *call) fail(kind error, r *reply, message string) *Error {
	if c.key != nil { // a hostile answer may repeat what it was sent
		message = strings.ReplaceAll(message, c.key(), hidden)
	}
	return &Error{Op: c.op, Endpoint: c.endpoint, JobID: c.job, Kind: kind, StatusCode: r.status,
		Message: message, RetryAfter: retryAfter(r.header)}
}

// minHidden is the minimum length of a key to hide in answers: RunPod's keys have 40
// characters and more, and a test's key "k" occurs in many texts.
const minHidden = 16

// hide removes the key from an answer: a hostile service may repeat it, and a worker may
// have printed it.
func (c *call) hide(b []byte) []byte {
	if c.key == nil || len(c.key()) < minHidden {
		return b
	}
	if key := []byte(c.key()); bytes.Contains(b, key) {
		return bytes.ReplaceAll(b, key, []byte(hidden))
	}
	return b
}

// retryAfter reads the header in either of its forms.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 && seconds < 1<<31 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// said returns the message of a refusal: the "error", "detail", "title" or "message" of a
// JSON object, else the text, or the kind of document if it is meant for a browser.
func said(r *reply) string {
	var o struct {
		Error, Detail, Title, Message any
		Errors                        []json.RawMessage
	}
	if json.Unmarshal(r.body, &o) == nil {
		for _, v := range []any{o.Error, o.Detail, o.Message, o.Title} {
			text, ok := v.(string)
			if !ok || text == "" {
				continue
			}
			for _, e := range o.Errors[:min(len(o.Errors), 3)] {
				text += "; " + string(e)
			}
			return oneLine(text)
		}
	}
	media, _, _ := mime.ParseMediaType(r.header.Get("Content-Type"))
	if media == "text/html" || bytes.HasPrefix(bytes.TrimSpace(r.body), []byte("<")) {
		return fmt.Sprintf("an HTML page of %d bytes", len(r.body))
	}
	return oneLine(string(r.body[:min(len(r.body), 2000)]))
}

// oneLine makes text of any origin fit to print: one line, no control characters,
// at most 500 runes.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > 500 {
		s = string(runes[:497]) + "..."
	}
	return s
}
