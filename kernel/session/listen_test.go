package session

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/gopherpod/gopherpod/kernel/build"
)

// An interrupt closes what the cell listens on, so that the cell can be run again; what other
// cells listen on stays open.
func TestInterruptEndsListeners(t *testing.T) {
	e2e(t)
	h := fullHost(t, build.Mode(os.Getenv("GOPHERPOD_TEST_MODE")))
	s := New(Options{Host: h, Dir: t.TempDir(), Log: func(string) {}})
	t.Cleanup(func() { s.Close() })
	n := &testBook{Session: s, t: t}
	sock := filepath.Join(t.TempDir(), "socket")
	n.ok("import (\"net/rpc\"; \"crypto/tls\"; \"net/http\"; \"net\"; \"io\")\nfree, _ := net.Listen(\"tcp\", \"127.0.0.1:0\")\naddr := free.Addr().String()\nfree.Close()\n" +
		"served, err := net.Listen(\"tcp\", \"127.0.0.1:0\")\ngo http.Serve(served, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, \"served\") }))\n" +
		"kept, err := net.Listen(\"tcp\", \"127.0.0.1:0\")")
	listen := "l, err := net.Listen(\"tcp\", addr)\nif err != nil { panic(err) }\nfmt.Println(\"go\")\n"
	for _, c := range []struct{ name, src string }{
		{"own loop", listen + "for { c, err := l.Accept(); if err == nil { c.Close() } }"},
		{"own loop in a goroutine", listen + "go func() { for { c, err := l.Accept(); if err == nil { c.Close() } } }()\nselect {}"},
		{"not waiting for a connection", listen + "for { time.Sleep(time.Millisecond) }"},
		{"tls, own loop", listen + "t := tls.NewListener(l, &tls.Config{})\nfor { t.Accept() }"},
		{"a server of a library", listen + "rpc.Accept(l)"},
		{"ServeTLS", listen + "http.ServeTLS(l, nil, \"no cert\", \"no key\")\n(&http.Server{TLSConfig: &tls.Config{Certificates: []tls.Certificate{{}}}}).ServeTLS(l, \"\", \"\")"},
		{"in a variable of the notebook", "later, err := net.Listen(\"tcp\", addr)\nif err != nil { panic(err) }\nfmt.Println(\"go\")\nfor { later.Accept() }"},
		{"a socket in a folder", "l, err := net.Listen(\"unix\", `" + sock + "`)\nif err != nil { panic(err) }\nfmt.Println(\"go\")\nfor { l.Accept() }"},
		{"of an earlier cell", "fmt.Println(\"go\")\nfor { c, err := kept.Accept(); if err == nil { c.Close() } }"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 { // the second time it listens on the same address
				r := &record{}
				done := make(chan struct{})
				go func() {
					n.runIn(context.Background(), c.src, r)
					close(done)
				}()
				r.until(t, "go\n")
				n.Interrupt()
				<-done
				r.failed(t, nameInterrupted, "interrupted")
			}
			if _, err := os.Stat(sock); err == nil {
				t.Errorf("%s is left", sock)
			}
			if got := n.ok("r, err := http.Get(\"http://\" + served.Addr().String())\nif err != nil { panic(err) }\nb, err := io.ReadAll(r.Body)\nfmt.Println(string(b), err)"); got != "stdout:served <nil>\n" {
				t.Errorf("what a cell that ended serves: %q", got)
			}
			if got := n.ok("go func() { c, err := kept.Accept(); if err == nil { io.WriteString(c, \"kept\"); c.Close() } }()\nc, err := net.Dial(\"tcp\", kept.Addr().String())\nb2, err := io.ReadAll(c)\nfmt.Println(string(b2), err)"); got != "stdout:kept <nil>\n" {
				t.Errorf("a listener of an earlier cell: %q", got)
			}
		})
	}
}
