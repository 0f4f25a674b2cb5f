package kernel

import "context"

// inspect answers inspect_request.
func (s *server) inspect(ctx context.Context, r *request) (content, error) {
	var in codeRequest
	if err := r.parse(&in); err != nil {
		return nil, err
	}
	s.turns.wait(ctx, r.turn)
	b, found, err := s.ev.Inspect(ctx, in.Code, in.offset(), in.Detail)
	if err != nil {
		return nil, err
	}
	return content{"found": found, "data": object(b), "metadata": content{}}, nil
}
