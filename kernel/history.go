package kernel

import (
	"context"

	"github.com/gopherpod/gopherpod/kernel/history"
)

// historyRequest is the content of history_request. N and Stop are 0 if they
// are missing or null.
type historyRequest struct {
	Output  bool   `json:"output"`
	Access  string `json:"hist_access_type"`
	Session int64  `json:"session"`
	Start   int    `json:"start"`
	Stop    int    `json:"stop"`
	N       int    `json:"n"`
	Pattern string `json:"pattern"`
	Unique  bool   `json:"unique"`
}

// history answers history_request. Raw and processed source are the same in Go.
func (s *server) history(ctx context.Context, r *request) (content, error) {
	in := historyRequest{Pattern: "*"}
	if err := r.parse(&in); err != nil {
		return nil, err
	}
	s.turns.wait(ctx, r.turn)
	entries, err := s.lookUp(in)
	if err != nil {
		return nil, err
	}
	list := make([]any, len(entries))
	for i, e := range entries {
		if !in.Output {
			list[i] = []any{e.Session, e.Line, e.Source}
			continue
		}
		var out any // null if the cell has no result
		if e.Output != "" {
			out = e.Output
		}
		list[i] = []any{e.Session, e.Line, []any{e.Source, out}}
	}
	return content{"history": list}, nil
}

func (s *server) lookUp(in historyRequest) ([]history.Entry, error) {
	switch in.Access {
	case "tail":
		return s.hist.Tail(in.N)
	case "range":
		return s.hist.Range(in.Session, in.Start, in.Stop)
	case "search":
		return s.hist.Search(in.Pattern, in.N, in.Unique)
	}
	return nil, &EvalError{Name: "BadRequest", Value: "history_request: hist_access_type is " + in.Access + ", want tail, range or search"}
}
