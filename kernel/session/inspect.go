package session

import (
	"fmt"
	"strings"

	"github.com/gopherpod/gopherpod/kernel"
)

// inspectGo describes a name: its declaration, its origin and its documentation.
func (s *Session) inspectGo(code string, pos, detail int) (kernel.Bundle, bool, error) {
	info, ok := s.book.Inspect(code, pos, detail)
	if !ok {
		return nil, false, nil
	}
	from := ""
	switch {
	case info.Cell > 0:
		from = fmt.Sprintf("defined in In[%d]", info.Cell)
	case info.Path != "":
		from = fmt.Sprintf("import %q", info.Path)
	}
	signature := info.Signature
	if signature == "" {
		signature = info.Kind + " " + info.Name
	}
	var text, md []string
	add := func(plain, markdown string) {
		if plain = strings.TrimSpace(plain); plain != "" {
			text, md = append(text, plain), append(md, markdown)
		}
	}
	add(signature, fence("go", signature))
	add(from, "*"+plainMarkdown(from)+"*")
	add(info.Doc, docMarkdown(info.Doc))
	add(info.Source, fence("go", strings.TrimSpace(info.Source)))
	return kernel.Bundle{"text/plain": strings.Join(text, "\n\n") + "\n", "text/markdown": strings.Join(md, "\n\n") + "\n"}, true, nil
}
