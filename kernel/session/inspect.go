package session

import "github.com/gopherpod/gopherpod/kernel"

func (s *Session) inspectGo(code string, pos, detail int) (kernel.Bundle, bool, error) {
	return nil, false, nil
}
