package runpod

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// A Management is the management API, version 2: endpoints, templates, workers and
// their logs, volumes, the catalogue and the bill.
//
// Source: docs.runpod.io, API reference (v2), openapi.json.
type Management struct{ client *Client }

// Management returns the client's management API. Its rate limits are the
// account's.
func (c *Client) Management() *Management { return &Management{c} }

// An object is a body in memory.
type object []byte

func (o object) Len() int64           { return int64(len(o)) }
func (o object) NewReader() io.Reader { return bytes.NewReader(o) }

// path joins segments. It checks that ids are valid path segments.
func path(op Op, segments ...string) (string, error) {
	for _, s := range segments {
		if err := checkID(s); err != "" {
			return "", invalid(op, "", "id %.80q: %s", s, err)
		}
	}
	return "/" + strings.Join(segments, "/"), nil
}

// do makes one request. It encodes in and decodes the answer into out, unless they are nil.
func (m *Management) do(ctx context.Context, method string, segments []string, query url.Values, in, out any) error {
	c, err := m.call(method, segments, query)
	if err != nil {
		return err
	}
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return invalid(c.op, "", "%v", err)
		}
		c.body = object(b)
	}
	if out == nil {
		_, err := m.client.do(ctx, c)
		return err
	}
	return m.client.into(ctx, c, out)
}

// remove deletes a resource. If an earlier attempt failed, the resource may be gone
// already, which counts as success.
func (m *Management) remove(ctx context.Context, segments ...string) error {
	c, err := m.call(http.MethodDelete, segments, nil)
	if err != nil {
		return err
	}
	if _, err = m.client.do(ctx, c); c.unsure && errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

func (m *Management) call(method string, segments []string, query url.Values) (*call, error) {
	gate := opManage
	if method == http.MethodGet {
		gate = opManageRead
	}
	p, err := path(gate, segments...)
	if err != nil {
		return nil, err
	}
	op, spec := Op(method+" "+p), ops[gate]
	// Setting a state or deleting twice has the same effect as doing it once.
	spec.repeatable = spec.repeatable || method == http.MethodPatch || method == http.MethodDelete
	if len(query) > 0 {
		p += "?" + query.Encode()
	}
	return &call{op: op, gate: gate, spec: spec, method: method, url: m.client.config.ManagementURL + p, header: http.Header{}}, nil
}

// maxPages is the largest number of pages of a list. Without a limit, a service that always
// names another page would never end it.
const maxPages = 1000

// list reads all pages of a list. name is the list's key in the answers. Each page names the
// next one; an answer that names none is the last. If a page cannot be read, list fails: a
// caller with an incomplete list would create a resource that exists a second time.
//
// Source: RunPod's SDK 2.0.0rc2, api/rest.py.
func list[T any](ctx context.Context, m *Management, name string, query url.Values, segments ...string) ([]T, error) {
	return listWith[T](ctx, m, name, nil, query, segments...)
}

// listWith is list, and also decodes the rest of the answer into rest unless that is nil.
func listWith[T any](ctx context.Context, m *Management, name string, rest any, query url.Values, segments ...string) ([]T, error) {
	var all []T
	seen := map[string]bool{}
	for range maxPages {
		var answer json.RawMessage
		if err := m.get(ctx, &answer, query, segments...); err != nil {
			return nil, err
		}
		bad := func(format string, args ...any) error {
			return &Error{Op: opManageRead, Kind: ErrBadAnswer, Message: fmt.Sprintf("the list of %s: ", name) + fmt.Sprintf(format, args...)}
		}
		var page map[string]json.RawMessage
		err := json.Unmarshal(answer, &page)
		if err == nil && rest != nil {
			err = json.Unmarshal(answer, rest)
		}
		if err != nil {
			return nil, bad("%v", err)
		}
		var items []T
		var next struct {
			HasNextPage bool
			NextCursor  string
		}
		if err := json.Unmarshal(page[name], &items); err != nil {
			return nil, bad("%v", err)
		}
		if raw := page["pagination"]; raw != nil {
			if err := json.Unmarshal(raw, &next); err != nil {
				return nil, bad("pagination: %v", err)
			}
		}
		all = append(all, items...)
		switch {
		case !next.HasNextPage:
			return all, nil
		case next.NextCursor == "" || seen[next.NextCursor]:
			return nil, bad("it has another page, and no cursor to it (%.100q)", next.NextCursor)
		}
		seen[next.NextCursor] = true
		query = maps.Clone(query)
		if query == nil {
			query = url.Values{}
		}
		query.Set("cursor", next.NextCursor)
	}
	return nil, &Error{Op: opManageRead, Kind: ErrBadAnswer, Message: fmt.Sprintf("the list of %s has more than %d pages", name, maxPages)}
}

func (m *Management) get(ctx context.Context, out any, query url.Values, segments ...string) error {
	return m.do(ctx, http.MethodGet, segments, query, nil, out)
}
