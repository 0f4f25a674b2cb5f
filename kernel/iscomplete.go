package kernel

import "context"

// isComplete answers is_complete_request. It does not wait for cells: consoles
// wait one second for the answer.
func (s *server) isComplete(_ context.Context, r *request) (content, error) {
	var in struct {
		Code string `json:"code"`
	}
	if err := r.parse(&in); err != nil {
		return nil, err
	}
	c := content{"status": "unknown"}
	// A console cannot continue without an answer, so answer even if the evaluator fails.
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
