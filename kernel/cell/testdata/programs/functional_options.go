package main

import "fmt"

type server struct {
	host    string
	port    int
	tags    map[string]string
	handler func(string) string
}

type option func(*server)

func withPort(p int) option { return func(s *server) { s.port = p } }

func withTag(k, v string) option {
	return func(s *server) {
		if s.tags == nil {
			s.tags = make(map[string]string)
		}
		s.tags[k] = v
	}
}

func withHandler(f func(string) string) option { return func(s *server) { s.handler = f } }

func newServer(host string, opts ...option) *server {
	s := &server{host: host, port: 80, handler: func(s string) string { return s }}
	for _, o := range opts {
		o(s)
	}
	return s
}

type builder struct{ parts []string }

func (b builder) with(s string) builder {
	return builder{append(b.parts[:len(b.parts):len(b.parts)], s)}
}

func main() {
	s := newServer("localhost", withPort(8080), withTag("a", "1"), withTag("b", "2"),
		withHandler(func(in string) string { return in + in }))
	fmt.Println(s.host, s.port, s.tags, s.handler("x"))
	fmt.Println(newServer("other").port)
	base := builder{}.with("x").with("y")
	p, q := base.with("p"), base.with("q")
	fmt.Println(p.parts, q.parts, len(base.parts))
}
