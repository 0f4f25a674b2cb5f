package kernel

import "context"

// codeRequest is the content of complete_request and inspect_request. A missing
// position means the end of the code.
type codeRequest struct {
	Code   string `json:"code"`
	Cursor *int   `json:"cursor_pos"`
	Detail int    `json:"detail_level"`
}

func (c codeRequest) offset() int {
	if c.Cursor == nil {
		return len(c.Code)
	}
	return byteOffset(c.Code, *c.Cursor)
}

// complete answers complete_request.
func (s *server) complete(ctx context.Context, r *request) (content, error) {
	var in codeRequest
	if err := r.parse(&in); err != nil {
		return nil, err
	}
	s.turns.wait(ctx, r.turn)
	c, err := s.ev.Complete(ctx, in.Code, in.offset())
	if err != nil {
		return nil, err
	}
	start, end := codePoints(in.Code, c.Start), codePoints(in.Code, c.End)
	matches := make([]string, len(c.Matches))
	types := make([]any, len(c.Matches))
	for i, m := range c.Matches {
		matches[i] = m.Text
		types[i] = content{"start": start, "end": end, "text": m.Text, "type": m.Type, "signature": m.Signature}
	}
	return content{
		"matches":      matches,
		"cursor_start": start,
		"cursor_end":   end,
		// JupyterLab and VS Code read icons and signatures from this.
		"metadata": content{"_jupyter_types_experimental": types},
	}, nil
}
