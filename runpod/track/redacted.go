package track

import (
	"context"
	"slices"
)

// Redacted returns a tracker that applies redact to all texts before it passes them to t,
// because tags, parameters and errors may contain a key.
func Redacted(t Tracker, redact func(string) string) Tracker { return &redacted{t, redact} }

type redacted struct {
	Tracker
	redact func(string) string
}

// Begin implements Tracker.
func (t *redacted) Begin(ctx context.Context, r Run) error {
	r.Title = t.redact(r.Title)
	r.Tags = slices.Clone(r.Tags)
	for i, tag := range r.Tags {
		r.Tags[i] = t.redact(tag)
	}
	params := make(map[string]string, len(r.Params))
	for name, v := range r.Params {
		params[t.redact(name)] = t.redact(v)
	}
	r.Params = params
	return t.Tracker.Begin(ctx, r)
}

// End implements Tracker.
func (t *redacted) End(ctx context.Context, r Result) error {
	r.Error = t.redact(r.Error)
	return t.Tracker.End(ctx, r)
}
