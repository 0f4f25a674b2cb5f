package session

import (
	"strings"

	"github.com/gopherpod/gopherpod/kernel/display"
)

const docHelp = `%doc name shows what is known of a variable, function, type, package or member: %doc x, %doc strings.Cut, %doc mat.Dense.Mul`

// doc runs the magic %doc.
func (s *Session) doc(x *execution, seg segment) error {
	name := strings.TrimSpace(seg.args)
	if name == "" {
		return usage("%%doc needs a name: %%doc strings.Cut")
	}
	b, ok, err := s.inspectGo(name, len(name), 1)
	if err != nil {
		return err
	}
	if !ok {
		return usage("nothing is known of %s", name)
	}
	x.out.Display(display.Message{Data: b})
	return nil
}
