package address

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/tensors/pause"
)

// tries is how often a transfer is attempted.
const tries = 5

// pauseAfter returns the pause after the n-th attempt: 0.2 s, 0.4 s, ...
func pauseAfter(n int) time.Duration { return 100 * time.Millisecond << n }

// Read returns the file at an address, which must be length bytes long. If the
// connection breaks, Read resumes from where it stopped.
func (r Rules) Read(ctx context.Context, address string, length int64) ([]byte, error) {
	p, err := r.rule(address)
	if err != nil {
		return nil, err
	}
	client := p.client()
	defer client.CloseIdleConnections()
	f := &file{address: address, length: length}
	for n := 1; ; n++ {
		err := f.readOn(ctx, client)
		switch {
		case err == nil:
			return f.data, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !errors.Is(err, ErrUnreachable) || n == tries:
			return nil, err
		}
		if err := pause.For(ctx, pauseAfter(n)); err != nil {
			return nil, err
		}
	}
}

// A file is what is at an address, read in one or more requests.
type file struct {
	address string
	length  int64
	data    []byte
	tag     string // the file's version, if the server reports one
}

// readOn requests the part of the file that is still missing.
func (f *file) readOn(ctx context.Context, client *http.Client) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.address, nil)
	if err != nil {
		return fmt.Errorf("%w: want a plain https address", ErrForbidden)
	}
	req.Header.Set("User-Agent", "gopherpod-worker")
	if len(f.data) > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", len(f.data)))
		if f.tag != "" {
			req.Header.Set("If-Match", f.tag)
		}
	}
	resp, err := client.Do(req)
	if err != nil {
		return unreachable(err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusPartialContent && strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", len(f.data))):
	case resp.StatusCode == http.StatusOK: // the whole file, even if a part was requested
		f.data = f.data[:0]
	case resp.StatusCode == http.StatusPreconditionFailed: // the file has changed
		f.data, f.tag = f.data[:0], ""
		return fmt.Errorf("%w: the file changed", ErrUnreachable)
	default:
		return refused(resp.StatusCode)
	}
	left := f.length - int64(len(f.data))
	if resp.ContentLength >= 0 && resp.ContentLength != left {
		return fmt.Errorf("%w: got %d bytes, want %d", ErrLength, int64(len(f.data))+resp.ContentLength, f.length)
	}
	f.tag = resp.Header.Get("ETag")
	if f.data == nil {
		f.data = make([]byte, 0, f.length)
	}
	return f.take(resp.Body, cancel)
}

// take reads the rest of the file from body.
func (f *file) take(body io.Reader, cancel context.CancelCauseFunc) error {
	watch := time.AfterFunc(stall, func() { cancel(fmt.Errorf("received nothing for %v", stall)) })
	defer watch.Stop()
	for {
		n, err := body.Read(f.data[len(f.data):min(cap(f.data), len(f.data)+1<<20)])
		f.data = f.data[:len(f.data)+n]
		if n > 0 {
			watch.Reset(stall)
		}
		if int64(len(f.data)) == f.length {
			if n, _ := io.ReadFull(body, make([]byte, 1)); n > 0 {
				return fmt.Errorf("%w: more than %d bytes", ErrLength, f.length)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: after %d of %d bytes: %w", ErrUnreachable, len(f.data), f.length, err)
		}
	}
}

// Write puts a file of length bytes to an address; content returns a reader from
// its start. If the connection breaks, Write sends the whole file again.
func (r Rules) Write(ctx context.Context, address string, length int64, content func() io.Reader) error {
	p, err := r.rule(address)
	if err != nil {
		return err
	}
	client := p.client()
	defer client.CloseIdleConnections()
	for n := 1; ; n++ {
		err := put(ctx, client, address, length, content)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !errors.Is(err, ErrUnreachable) || n == tries:
			return err
		}
		if err := pause.For(ctx, pauseAfter(n)); err != nil {
			return err
		}
	}
}

func put(ctx context.Context, client *http.Client, address string, length int64, content func() io.Reader) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(2*stall, func() { cancel(fmt.Errorf("sent nothing for %v", 2*stall)) })
	defer watch.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, address, &moving{content(), watch})
	if err != nil {
		return fmt.Errorf("%w: want a plain https address", ErrForbidden)
	}
	req.ContentLength = length
	req.Header.Set("User-Agent", "gopherpod-worker")
	resp, err := client.Do(req)
	if err != nil {
		return unreachable(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return refused(resp.StatusCode)
	}
	return nil
}

// A moving reader resets a timer on every read.
type moving struct {
	io.Reader
	watch *time.Timer
}

func (m *moving) Read(b []byte) (int, error) {
	m.watch.Reset(2 * stall)
	return m.Reader.Read(b)
}

// refused returns the error for an HTTP status. It leaves out the answer's body, which
// may contain anything.
func refused(status int) error {
	switch {
	case status == http.StatusForbidden || status == http.StatusNotFound || status == http.StatusUnauthorized || status == http.StatusBadRequest:
		return fmt.Errorf("%w: HTTP status %d: the address has expired, or the file does not exist", ErrExpired, status)
	case status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
		return fmt.Errorf("%w: HTTP status %d", ErrUnreachable, status)
	}
	return fmt.Errorf("%w: HTTP status %d; redirects are not followed", ErrExpired, status)
}

// unreachable removes the address from an error of net/http, because its query is a
// secret.
func unreachable(err error) error {
	if errors.Is(err, ErrForbidden) || errors.Is(err, ErrUnreachable) {
		return errors.Unwrap(err) // unwrap the *url.Error, which contains the address
	}
	if cause := errors.Unwrap(err); cause != nil {
		err = cause
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}
