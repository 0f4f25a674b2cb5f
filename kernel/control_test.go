package kernel_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/kerneltest"
	"github.com/gopherpod/gopherpod/kernel/wire"
	"github.com/gopherpod/gopherpod/kernel/zmtp"
)

// The control channel answers while a cell runs.
func TestControlWhileBusy(t *testing.T) {
	c := kerneltest.Start(t, basic())
	id := c.Start(kerneltest.Request{Code: "say and wait"})
	c.Output(id, "stream") // now it runs
	start := time.Now()
	if m := c.Request(kerneltest.Control, "kernel_info_request", struct{}{}); m.Content["status"] != "ok" {
		t.Errorf("%v", m.Content)
	}
	if m := c.Request(kerneltest.Control, "interrupt_request", struct{}{}); m.Type() != "interrupt_reply" || m.Content["status"] != "ok" {
		t.Errorf("%v", m.Content)
	}
	r := c.Wait(id)
	if name, _ := r.Error(); name != "Interrupted" {
		t.Errorf("%v", r.Reply.Content)
	}
	wantTypes(t, r, "stream", "error")
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("took %v", d)
	}
	if r := c.Execute("hello"); r.Status() != "ok" {
		t.Errorf("after the interrupt: %v", r.Reply.Content)
	}
}

func TestInterruptAbortsQueuedCells(t *testing.T) {
	c := kerneltest.Start(t, basic())
	first := c.Start(kerneltest.Request{Code: "say and wait"})
	second := c.Start(kerneltest.Request{Code: "hello"})
	c.Output(first, "stream")
	c.Request(kerneltest.Control, "interrupt_request", struct{}{})
	if s1, s2 := c.Wait(first).Status(), c.Wait(second).Status(); s1 != "error" || s2 != "aborted" {
		t.Errorf("%s, %s", s1, s2)
	}
}

func TestInterruptOfNothing(t *testing.T) {
	c := kerneltest.Start(t, basic())
	for _, ch := range []kerneltest.Channel{kerneltest.Control, kerneltest.Shell} {
		if m := c.Request(ch, "interrupt_request", struct{}{}); m.Content["status"] != "ok" {
			t.Errorf("%v", m.Content)
		}
	}
	if r := c.Execute("hello"); r.Status() != "ok" {
		t.Errorf("%v", r.Reply.Content)
	}
}

func TestSignals(t *testing.T) {
	signals := make(chan os.Signal, 1)
	c := kerneltest.Start(t, basic(), func(o *kernel.Options) { o.Signals = signals })
	id := c.Start(kerneltest.Request{Code: "say and wait"})
	c.Output(id, "stream")
	signals <- os.Interrupt
	if name, _ := c.Wait(id).Error(); name != "Interrupted" {
		t.Error(name)
	}
	if r := c.Execute("hello"); r.Status() != "ok" {
		t.Errorf("after SIGINT: %v", r.Reply.Content)
	}
	signals <- syscall.SIGTERM
	if err := c.Ended(); err != nil {
		t.Error(err)
	}
}

// Shutdown is answered, broadcast and then carried out, even while a cell runs.
func TestShutdown(t *testing.T) {
	for _, restart := range []bool{false, true} {
		for _, busy := range []bool{false, true} {
			t.Run(fmt.Sprintf("restart %v, busy %v", restart, busy), func(t *testing.T) {
				f := basic()
				c := kerneltest.Start(t, f)
				if busy {
					c.Output(c.Start(kerneltest.Request{Code: "wait"}), "execute_input")
				}
				id := c.Send(kerneltest.Control, "shutdown_request", map[string]any{"restart": restart})
				m := c.Reply(id)
				if m.Type() != "shutdown_reply" || m.Content["status"] != "ok" || m.Content["restart"] != restart {
					t.Errorf("%v", m.Content)
				}
				if m := c.Output(id, "shutdown_reply"); m.Content["restart"] != restart {
					t.Errorf("broadcast %v", m.Content)
				}
				if err := c.Ended(); err != nil {
					t.Error(err)
				}
				if f.Closed() != 1 {
					t.Errorf("evaluator closed %d times", f.Closed())
				}
			})
		}
	}
}

func TestInput(t *testing.T) {
	f := basic()
	f.Cells["ask"] = func(r *kerneltest.Run) error {
		r.Stream("stdout", []byte("before"))
		name, err := r.Input(r, "name? ", false)
		if err != nil {
			return err
		}
		word, err := r.Input(r, "password? ", true)
		r.Stream("stdout", fmt.Appendf(nil, " %s %s", name, word))
		return err
	}
	c := kerneltest.Start(t, f)
	c.Answer(func(prompt string, password bool) string { return fmt.Sprintf("<%s%v>", prompt, password) })
	r := c.Execute("ask")
	if want := "before <name? false> <password? true>"; r.Stdout() != want {
		t.Errorf("%q, want %q", r.Stdout(), want)
	}
	c.Answer(nil)
	r = c.Execute("ask") // allow_stdin false
	if name, text := r.Error(); name != "KernelError" || text != kernel.ErrNoStdin.Error() {
		t.Errorf("%s: %s", name, text)
	}
}

// Each of two clients gets only the questions of its own cells.
func TestInputGoesToWhoRanTheCell(t *testing.T) {
	f := basic()
	f.Cells["ask"] = func(r *kerneltest.Run) error {
		s, err := r.Input(r, "", false)
		r.Stream("stdout", []byte(s))
		return err
	}
	one := kerneltest.Start(t, f)
	two := kerneltest.Connect(t, one.Conn)
	one.Answer(func(string, bool) string { return "one" })
	two.Answer(func(string, bool) string { return "two" })
	if a, b := one.Execute("ask").Stdout(), two.Execute("ask").Stdout(); a != "one" || b != "two" {
		t.Errorf("%q, %q", a, b)
	}
}

func TestInterruptWhileAsking(t *testing.T) {
	f := basic()
	f.Cells["ask"] = func(r *kerneltest.Run) error {
		_, err := r.Input(r, "name? ", false)
		if errors.Is(err, kernel.ErrInterrupted) {
			return kerneltest.Interrupted
		}
		return err
	}
	f.Cells["again"] = func(r *kerneltest.Run) error {
		s, err := r.Input(r, "", false)
		r.Stream("stdout", []byte(s))
		return err
	}
	c := kerneltest.Start(t, f)
	id := c.Start(kerneltest.Request{Code: "ask", AllowStdin: true})
	question := c.Asked(id)
	c.Request(kerneltest.Control, "interrupt_request", struct{}{})
	if name, _ := c.Wait(id).Error(); name != "Interrupted" {
		t.Error(name)
	}
	// The answer to an abandoned question does not answer the next one.
	again := c.Start(kerneltest.Request{Code: "again", AllowStdin: true})
	next := c.Asked(again)
	c.SendAs(kerneltest.Stdin, "input_reply", question.RawHeader, map[string]any{"value": "late"})
	c.SendAs(kerneltest.Stdin, "input_reply", next.RawHeader, map[string]any{"value": "fresh"})
	if r := c.Wait(again); r.Stdout() != "fresh" {
		t.Errorf("%q", r.Stdout())
	}
}

// Bad signatures and garbage are dropped and counted; the kernel keeps running.
func TestBadMessagesAreDropped(t *testing.T) {
	c := kerneltest.Start(t, basic())
	good := wire.Encode(wire.Message{Header: wire.Header{MsgID: "x", MsgType: "shutdown_request"}}, wire.Key("another key"))
	bad := [][][]byte{
		good,
		{[]byte("garbage")},
		{{}},
		{[]byte("<IDS|MSG>")},
		{[]byte("<IDS|MSG>"), {}, []byte("{}"), []byte("{}"), []byte("{}"), []byte("{}")},
	}
	for _, ch := range []kerneltest.Channel{kerneltest.Shell, kerneltest.Control, kerneltest.Stdin} {
		for _, frames := range bad {
			c.SendFrames(ch, frames)
		}
	}
	c.Send(kerneltest.Stdin, "kernel_info_request", struct{}{})
	c.Send(kerneltest.Shell, "gossip", struct{}{})
	want := int64(3*len(bad) + 2)
	for deadline := time.Now().Add(10 * time.Second); c.Stats.Dropped.Load() < want && time.Now().Before(deadline); {
		c.Request(kerneltest.Shell, "kernel_info_request", struct{}{})
	}
	if n := c.Stats.Dropped.Load(); n != want {
		t.Errorf("%d dropped, want %d", n, want)
	}
	if r := c.Execute("hello"); r.Status() != "ok" {
		t.Errorf("%v", r.Reply.Content)
	}
}

func TestTCPAndHeartbeat(t *testing.T) {
	c := kerneltest.StartAt(t, kernel.ConnectionInfo{Transport: "tcp", IP: "127.0.0.1", Key: rand.Text()}, basic())
	if r := c.Execute("hello"); r.Stdout() != "hello\n" {
		t.Errorf("%v", r.Reply.Content)
	}
	network, address, _ := c.Conn.Address(c.Conn.HBPort)
	beat := make(chan zmtp.Message, 1)
	sock, peer, err := zmtp.Dial(network, address, zmtp.Config{Type: zmtp.Req, Receive: func(_ *zmtp.Peer, m zmtp.Message) { beat <- m }})
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close(0)
	peer.Send(zmtp.Message{{}, []byte("ping")})
	if m := <-beat; string(m[1]) != "ping" {
		t.Errorf("%q", m)
	}
}

func TestCannotStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	for name, test := range map[string]struct {
		conn kernel.ConnectionInfo
		want error
	}{
		"transport": {kernel.ConnectionInfo{Transport: "smoke"}, kernel.ErrConnection},
		"scheme":    {kernel.ConnectionInfo{Key: "k", SignatureScheme: "hmac-md5"}, kernel.ErrConnection},
		"port":      {kernel.ConnectionInfo{IP: "127.0.0.1", ShellPort: 70000}, kernel.ErrConnection},
		"taken":     {kernel.ConnectionInfo{IP: "127.0.0.1", ShellPort: port}, syscall.EADDRINUSE},
	} {
		if err := kernel.Serve(t.Context(), test.conn, basic(), kernel.Options{}); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// Listen binds a kernel's five ports before anything else, so that no other port of the
// kernel takes one. If a port is in use, the error names it, and the other ports are
// released.
func TestPortsFirst(t *testing.T) {
	c := kernel.ConnectionInfo{IP: "127.0.0.1"}
	ports, err := c.Listen()
	if err != nil {
		t.Fatal(err)
	}
	again := c
	if _, err := again.Listen(); err == nil || !strings.Contains(err.Error(), strconv.Itoa(c.ShellPort)) {
		t.Errorf("bound twice: %v", err)
	}
	last := kernel.ConnectionInfo{IP: "127.0.0.1", HBPort: c.HBPort}
	if _, err := last.Listen(); err == nil {
		t.Error("the heartbeat's port is in use, and Listen returns no error")
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(last.ShellPort)))
	if err != nil {
		t.Errorf("a port stays bound after a failure: %v", err)
	} else {
		l.Close()
	}
	ports.Close()
	if ports, err = again.Listen(); err != nil {
		t.Fatal(err)
	}
	ports.Close()
}

func TestReadConnectionFile(t *testing.T) {
	path := t.TempDir() + "/c.json"
	os.WriteFile(path, []byte(`{"shell_port": 5, "transport": "tcp", "ip": "127.0.0.1", "key": "k", "kernel_name": "go", "jupyter_session": "x"}`), 0o600)
	if c, err := kernel.ReadConnectionFile(path); err != nil || c.ShellPort != 5 || c.Key != "k" {
		t.Errorf("%+v, %v", c, err)
	}
	os.WriteFile(path, []byte(`{`), 0o600)
	if _, err := kernel.ReadConnectionFile(path); !errors.Is(err, kernel.ErrConnection) {
		t.Error(err)
	}
	if _, err := kernel.ReadConnectionFile(path + "no"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// A client that subscribes and never reads does not delay other clients, and
// the kernel still stops on request.
func TestClientThatNeverReads(t *testing.T) {
	f := basic()
	chunk := bytes.Repeat([]byte("x"), 1<<20)
	f.Cells["print"] = func(r *kerneltest.Run) error {
		for range 16 {
			r.Stream("stdout", chunk)
		}
		return nil
	}
	c := kerneltest.Start(t, f)
	start := time.Now()
	c.Execute("print")
	alone := time.Since(start)
	network, address, _ := c.Conn.Address(c.Conn.IOPubPort)
	block := make(chan bool)
	stuck, peer, err := zmtp.Dial(network, address, zmtp.Config{Type: zmtp.Sub, Receive: func(*zmtp.Peer, zmtp.Message) { <-block }})
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Close(0)
	defer close(block)
	peer.Subscribe("")
	start = time.Now()
	if r := c.Execute("print"); len(r.Stdout()) != 16<<20 {
		t.Errorf("%d bytes", len(r.Stdout()))
	}
	if d := time.Since(start); d > 4*alone+time.Second {
		t.Errorf("took %v, without the stuck client %v", d, alone)
	}
	c.Request(kerneltest.Control, "shutdown_request", map[string]any{"restart": false})
	if err := c.Ended(); err != nil {
		t.Error(err)
	}
}

// The kernel stops even if its cell does not.
func TestEvaluatorThatDoesNotEnd(t *testing.T) {
	f := basic()
	release := make(chan bool)
	f.Cells["stuck"] = func(*kerneltest.Run) error { <-release; return nil }
	c := kerneltest.Start(t, f)
	c.Output(c.Start(kerneltest.Request{Code: "stuck"}), "execute_input")
	c.Request(kerneltest.Control, "shutdown_request", map[string]any{"restart": false})
	if err := c.Ended(); err != nil {
		t.Error(err)
	}
	close(release)
}
