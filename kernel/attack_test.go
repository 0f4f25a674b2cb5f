package kernel_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/kerneltest"
	"github.com/gopherpod/gopherpod/kernel/wire"
	"github.com/gopherpod/gopherpod/kernel/zmtp"
)

// encrypted returns the connection of a kernel whose user asked for encryption.
func encrypted(t *testing.T) kernel.ConnectionInfo {
	t.Helper()
	k, err := zmtp.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	return kernel.ConnectionInfo{
		Transport: "tcp", IP: "127.0.0.1", Key: rand.Text(), SignatureScheme: "hmac-sha256",
		CurvePublicKey: zmtp.FormatKey(k.Public), CurveSecretKey: zmtp.FormatKey(k.Secret),
	}
}

// dropped waits until the kernel has dropped n messages or connections.
func dropped(t *testing.T, c *kerneltest.Client, n int64) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); c.Stats.Dropped.Load() < n && time.Now().Before(deadline); {
		c.Request(kerneltest.Control, "kernel_info_request", struct{}{})
	}
	if got := c.Stats.Dropped.Load(); got != n {
		t.Errorf("%d were dropped, want %d", got, n)
	}
}

// All five sockets are encrypted: a client without keys, or with other keys, cannot
// connect.
func TestEncryption(t *testing.T) {
	c := kerneltest.StartAt(t, encrypted(t), basic())
	if r := c.Execute("hello"); r.Stdout() != "hello\n" {
		t.Errorf("%v", r.Reply.Content)
	}
	other, err := zmtp.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	other.Server = other.Public
	for i, port := range []int{c.Conn.ShellPort, c.Conn.IOPubPort, c.Conn.StdinPort, c.Conn.ControlPort, c.Conn.HBPort} {
		for _, curve := range []*zmtp.Keys{nil, &other} {
			kind := zmtp.Dealer
			if port == c.Conn.IOPubPort {
				kind = zmtp.Sub
			}
			sock, _, err := zmtp.Dial("tcp", net.JoinHostPort(c.Conn.IP, strconv.Itoa(port)), zmtp.Config{Type: kind, Curve: curve})
			if err == nil {
				sock.Close(0)
				t.Errorf("socket %d: connected with %v", i, curve)
			}
		}
	}
	dropped(t, c, 10)
	if r := c.Execute("hello"); r.Stdout() != "hello\n" {
		t.Errorf("after the attacks: %v", r.Reply.Content)
	}
}

func TestEncryptionKeysAreChecked(t *testing.T) {
	good, other := encrypted(t), encrypted(t)
	for name, change := range map[string]func(*kernel.ConnectionInfo){
		"no public key":     func(c *kernel.ConnectionInfo) { c.CurvePublicKey = "" },
		"no secret key":     func(c *kernel.ConnectionInfo) { c.CurveSecretKey = "" },
		"not Z85":           func(c *kernel.ConnectionInfo) { c.CurveSecretKey = strings.Repeat("~", 40) },
		"short":             func(c *kernel.ConnectionInfo) { c.CurveSecretKey = "abc" },
		"keys of two pairs": func(c *kernel.ConnectionInfo) { c.CurvePublicKey = other.CurvePublicKey },
		"the two keys swapped": func(c *kernel.ConnectionInfo) {
			c.CurvePublicKey, c.CurveSecretKey = c.CurveSecretKey, c.CurvePublicKey
		},
	} {
		conn := good
		change(&conn)
		err := kernel.Serve(t.Context(), conn, basic(), kernel.Options{})
		if !errors.Is(err, kernel.ErrConnection) || strings.Contains(err.Error(), good.CurveSecretKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A recorded request that is sent again does not run again on any channel, and a message
// that the kernel itself signed is not handled as a request.
func TestReplaysAreDropped(t *testing.T) {
	var ran, opened atomic.Int32
	f := basic()
	f.Cells["count"] = func(*kerneltest.Run) error { ran.Add(1); return nil }
	comms := map[string]kernel.CommTarget{"talk": func(c *kernel.Comm, data json.RawMessage) error { opened.Add(1); return nil }}
	c := kerneltest.Start(t, f, func(o *kernel.Options) { o.Comms = comms })
	signed := func(id, kind, content string) [][]byte {
		return wire.Encode(wire.Message{
			Header:  wire.Header{MsgID: id, MsgType: kind, Session: "s"},
			Content: json.RawMessage(content),
		}, wire.Key(c.Conn.Key))
	}
	cell := signed("cell", "execute_request", `{"code": "count"}`)
	for _, ch := range []kerneltest.Channel{kerneltest.Shell, kerneltest.Shell, kerneltest.Control, kerneltest.Stdin} {
		c.SendFrames(ch, cell)
		c.Idle("cell")
	}
	dropped(t, c, 3)
	if ran.Load() != 1 {
		t.Errorf("the cell ran %d times", ran.Load())
	}
	// Send a message of the kernel, from iopub, back to it on shell.
	own := c.Published("a status", func(m kerneltest.Message) bool { return m.Type() == "status" })
	reflected := wire.Encode(wire.Message{
		Header:  wire.Header{MsgID: "again", MsgType: "comm_open", Session: own.Header.Session},
		Content: json.RawMessage(`{"comm_id": "c", "target_name": "talk", "data": {}}`),
	}, wire.Key(c.Conn.Key))
	c.SendFrames(kerneltest.Shell, reflected)
	dropped(t, c, 4)
	if opened.Load() != 0 {
		t.Error("a message of the kernel itself was handled")
	}
	if r := c.Execute("count"); r.Status() != "ok" || ran.Load() != 2 {
		t.Errorf("%v after %d runs", r.Reply.Content, ran.Load())
	}
}

// An attacker that reads the identity of a client from iopub can neither see nor
// answer the questions to that client.
func TestStolenIdentity(t *testing.T) {
	f := basic()
	f.Cells["ask"] = func(r *kerneltest.Run) error {
		s, err := r.Input(r, "password? ", true)
		r.Stream("stdout", []byte(s))
		return err
	}
	c := kerneltest.StartAt(t, kernel.ConnectionInfo{Transport: "tcp", IP: "127.0.0.1", Key: rand.Text()}, f)
	c.Answer(func(string, bool) string { return "mine" })
	c.Execute("hello")
	var header wire.Header
	json.Unmarshal(c.Published("a status", func(m kerneltest.Message) bool { return m.ParentID != "" }).Parent, &header)
	thief := make(chan zmtp.Message, 10)
	sock, _, err := zmtp.Dial("tcp", net.JoinHostPort(c.Conn.IP, strconv.Itoa(c.Conn.StdinPort)), zmtp.Config{
		Type: zmtp.Dealer, Identity: header.Session, Receive: func(_ *zmtp.Peer, m zmtp.Message) { thief <- m },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close(0)
	if r := c.Execute("ask"); r.Stdout() != "mine" {
		t.Errorf("%q", r.Stdout())
	}
	dropped(t, c, 1)
	select {
	case m := <-thief:
		t.Errorf("the thief got %q", m)
	default:
	}
}

// Over ipc, the sockets are files that only their owner can open, and the files that a
// killed kernel leaves do not keep the next one from starting.
func TestIPC(t *testing.T) {
	dir, err := os.MkdirTemp("", "ipc")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	conn := kernel.ConnectionInfo{
		Transport: "ipc", IP: filepath.Join(dir, "s"), Key: rand.Text(),
		ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HBPort: 5,
	}
	for port := 1; port <= 5; port++ { // as after kill -9
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: conn.IP + "-" + strconv.Itoa(port), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
	}
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	c := kerneltest.StartAt(t, conn, basic())
	if r := c.Execute("hello"); r.Stdout() != "hello\n" {
		t.Errorf("%v", r.Reply.Content)
	}
	for port := 1; port <= 5; port++ {
		info, err := os.Lstat(conn.IP + "-" + strconv.Itoa(port))
		if err != nil || info.Mode() != os.ModeSocket|0o600 {
			t.Errorf("socket %d: %v, %v", port, info.Mode(), err)
		}
	}
	if err := kernel.Serve(t.Context(), conn, basic(), kernel.Options{}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second kernel on the sockets of a running one: %v", err)
	}
	// A file that is not a socket stays.
	file := conn
	file.IP = filepath.Join(dir, "f")
	if err := os.WriteFile(file.IP+"-1", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := kernel.Serve(t.Context(), file, basic(), kernel.Options{}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("on a file: %v", err)
	}
	if b, _ := os.ReadFile(file.IP + "-1"); string(b) != "mine" {
		t.Errorf("the file holds %q", b)
	}
}

// pyzmq attacks a kernel as another user of the machine can: without keys, with replays,
// huge frames and many connections. jupyter_client, which has the keys, still works
// meanwhile.
func TestPyzmqAttacks(t *testing.T) {
	python := os.Getenv("GOPHERPOD_ZMQ_PYTHON")
	if python == "" {
		t.Skip("GOPHERPOD_ZMQ_PYTHON names no Python with pyzmq and jupyter_client")
	}
	plain := kernel.ConnectionInfo{Transport: "tcp", IP: "127.0.0.1", Key: rand.Text(), SignatureScheme: "hmac-sha256"}
	dir, err := os.MkdirTemp("", "ipc")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ipc := kernel.ConnectionInfo{
		Transport: "ipc", IP: filepath.Join(dir, "s"), Key: rand.Text(), SignatureScheme: "hmac-sha256",
		ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HBPort: 5,
	}
	for name, conn := range map[string]kernel.ConnectionInfo{"tcp": plain, "encrypted": encrypted(t), "ipc": ipc} {
		t.Run(name, func(t *testing.T) {
			f := basic()
			f.Cells["ask"] = func(r *kerneltest.Run) error {
				s, err := r.Input(r, "password? ", true)
				r.Stream("stdout", []byte(s))
				return err
			}
			c := kerneltest.StartAt(t, conn, f)
			file := filepath.Join(t.TempDir(), "connection.json")
			b, err := json.Marshal(c.Conn)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), python, "testdata/attack.py", file).CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Error(err)
			}
			if r := c.Execute("hello"); r.Stdout() != "hello\n" {
				t.Errorf("after the attacks: %v", r.Reply.Content)
			}
		})
	}
}
