package kernel

import "context"

// isComplete answers is_complete_request. It waits for no cell: consoles give it
// one second.
func (s *server) isComplete(_ context.Context, r *request) (content, error) {
	var in struct {
		Code string `json:"code"`
	}
	if err := r.parse(&in); err != nil {
		return nil, err
	}
	c := content{"status": "unknown"}
	// A console needs an answer to go on, also from an evaluator that fails.
	guard(func() error {
		status, indent := s.ev.IsComplete(in.Code)
		c["status"] = status
		if status == "incomplete" {
			c["indent"] = indent
		}
		return nil
	})
	return c, nil
}
