// Package shape checks requests to RunPod's management API, version 2, and its answers
// against RunPod's own schema. It is for tests: if a client and a local endpoint are tested
// only against each other, both can rest on the same wrong assumption.
//
// The table in runpod/testdata/management-v2.json holds the operations that we use and
// the shapes that they refer to. It is generated from RunPod's OpenAPI document:
//
//	go test ./runpod/shape -run TestTable -rewrite
//
//	table := shape.Load(t)
//	err := table.Request("POST", "/v2/serverless", nil, body)
//	err = table.Answer("GET", "/v2/serverless", response.StatusCode, response.Header, body)
package shape

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A Table holds the operations by method and path ("GET /v2/serverless/{id}") and the
// shapes that they name.
type Table struct {
	Source     string               `json:"source"`
	Operations map[string]Operation `json:"operations"`
	Shapes     map[string]*Shape    `json:"shapes"`
}

// An Operation describes what a request may contain and what the API answers.
type Operation struct {
	Query   map[string]*Shape `json:"query,omitempty"`
	Body    string            `json:"body,omitempty"`    // the shape of the request's body
	Answers map[string]string `json:"answers,omitempty"` // shapes by status; "" is an answer without JSON
}

// Problem is the shape of every error.
const Problem = "ErrorResponse"

// tablePath is the path of the table, relative to the module's root.
const tablePath = "runpod/testdata/management-v2.json"

// Load reads the table. It fails the test if the table cannot be read.
func Load(t testing.TB) *Table {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(tablePath)))
	if err != nil {
		t.Fatal(err)
	}
	table := new(Table)
	if err := json.Unmarshal(b, table); err != nil {
		t.Fatalf("%s: %v", tablePath, err)
	}
	return table
}

// root returns the folder of the module, which contains this file. It does not use the
// working directory, because a test may have changed it.
func root(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		t.Fatalf("want the path of this source file to find %s, got %q: test without -trimpath", tablePath, file)
	}
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Managed reports whether a path belongs to the management API. The paths of the job API begin
// with /v2 too, but the service has a separate host for it.
func Managed(path string) bool {
	rest, ok := strings.CutPrefix(path, "/v2/")
	part, _, _ := strings.Cut(rest, "/")
	return ok && slices.Contains([]string{"serverless", "templates", "network-volumes", "registries", "catalog", "billing"}, part)
}

// Find returns the operation of a request. The request's path may have values in place of
// {id} and {workerId}.
func (t *Table) Find(method, path string) (name string, op Operation, ok bool) {
	parts := strings.Split(path, "/")
	for name, op := range t.Operations {
		m, pattern, _ := strings.Cut(name, " ")
		if m == method && slices.EqualFunc(strings.Split(pattern, "/"), parts, func(p, s string) bool {
			return p == s || strings.HasPrefix(p, "{") && s != ""
		}) {
			return name, op, true
		}
	}
	return "", Operation{}, false
}

// cursor asks for the next page of a list. The schema of August 2026 does not have it; RunPod's
// SDK 2.0.0rc2 sends it (api/rest.py, run_rest_paginated_request_async).
var cursor = map[string]*Shape{"cursor": {Type: []string{"string"}}}

// Request checks a request: its path, the names and values in its query, and its body. The
// service ignores unknown names in a query, so only a test finds a wrong name
// there.
func (t *Table) Request(method, path string, query url.Values, body []byte) error {
	name, op, ok := t.Find(method, path)
	if !ok {
		return fmt.Errorf("%s %s: the API has no such operation", method, path)
	}
	for key, values := range query {
		s := op.Query[key]
		if s == nil && method == http.MethodGet {
			s = cursor[key]
		}
		if s == nil {
			return fmt.Errorf("%s: the query has no parameter %q", name, key)
		}
		if len(values) != 1 {
			return fmt.Errorf("%s: %s is given %d times, want one value, a list with commas", name, key, len(values))
		}
		if err := t.check(s, t.queryValue(s, values[0]), key); err != nil {
			return fmt.Errorf("%s: query: %w", name, err)
		}
	}
	if op.Body == "" {
		if len(body) > 0 {
			return fmt.Errorf("%s: want no body, got %.200q", name, body)
		}
		return nil
	}
	if err := t.Check(op.Body, body); err != nil {
		return fmt.Errorf("%s: body: %w", name, err)
	}
	return nil
}

// queryValue parses a value of a query as its shape requires.
func (t *Table) queryValue(s *Shape, text string) any {
	s = t.resolve(s)
	switch {
	case slices.Contains(s.Type, "array"):
		var list []any
		for item := range strings.SplitSeq(text, ",") {
			list = append(list, t.queryValue(s.Items, item))
		}
		return list
	case slices.Contains(s.Type, "integer"):
		return json.Number(text)
	case slices.Contains(s.Type, "boolean"):
		if b, err := strconv.ParseBool(text); err == nil {
			return b
		}
	}
	return text
}

// Answer checks an answer: its status, its body, and the headers that every answer
// to a request with a known key has.
func (t *Table) Answer(method, path string, status int, header http.Header, body []byte) error {
	name, op, ok := t.Find(method, path)
	if !ok {
		if status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			return fmt.Errorf("%s %s: the API has no such operation, and the answer is %d", method, path, status)
		}
		name = method + " " + path
	}
	want, known := op.Answers[strconv.Itoa(status)]
	switch {
	case !known && status < 400:
		return fmt.Errorf("%s: an answer %d is not in the API", name, status)
	case !known:
		want = Problem // the API's "default"
	}
	if status != http.StatusUnauthorized {
		for _, h := range []string{"RateLimit", "RateLimit-Policy"} {
			if header.Get(h) == "" {
				return fmt.Errorf("%s: %d without the header %s", name, status, h)
			}
		}
	}
	media := "application/json"
	switch {
	case want == Problem:
		media = "application/problem+json"
	case want == "" && status == http.StatusNoContent:
		if len(body) > 0 {
			return fmt.Errorf("%s: 204 with a body: %.200q", name, body)
		}
		return nil
	case want == "":
		return nil // a stream of events
	}
	if got, _, _ := strings.Cut(header.Get("Content-Type"), ";"); got != media {
		return fmt.Errorf("%s: %d has the type %q, want %q", name, status, got, media)
	}
	if err := t.Check(want, body); err != nil {
		return fmt.Errorf("%s: %d: %w", name, status, err)
	}
	return nil
}
