package kernel

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"

	"github.com/gopherpod/gopherpod/kernel/zmtp"
)

// ErrConnection is the error for an unusable connection file.
var ErrConnection = errors.New("kernel: bad connection file")

// ConnectionInfo is a connection file: where a kernel listens and how messages
// are signed.
type ConnectionInfo struct {
	Transport       string `json:"transport"` // "tcp" (also when empty) or "ipc"
	IP              string `json:"ip"`        // with ipc, the path that ports are appended to
	ShellPort       int    `json:"shell_port"`
	IOPubPort       int    `json:"iopub_port"`
	StdinPort       int    `json:"stdin_port"`
	ControlPort     int    `json:"control_port"`
	HBPort          int    `json:"hb_port"`
	Key             string `json:"key"`
	SignatureScheme string `json:"signature_scheme"` // "hmac-sha256"
	KernelName      string `json:"kernel_name,omitempty"`
	// CurvePublicKey and CurveSecretKey, in Z85, encrypt all five sockets (CurveZMQ), as
	// jupyter_client writes them if transport_encryption is set. Both or neither.
	CurvePublicKey string `json:"curve_publickey,omitempty"`
	CurveSecretKey string `json:"curve_secretkey,omitempty"`
}

// Curve returns the keys of the connection, for the kernel and for its clients, or nil if
// the connection is not encrypted. Jupyter's clients use the kernel's own key pair.
func (c ConnectionInfo) Curve() (*zmtp.Keys, error) {
	if c.CurvePublicKey == "" && c.CurveSecretKey == "" {
		return nil, nil
	}
	public, err := zmtp.ParseKey(c.CurvePublicKey)
	if err != nil {
		return nil, fmt.Errorf("%w: curve_publickey: %w", ErrConnection, err)
	}
	secret, err := zmtp.ParseKey(c.CurveSecretKey)
	if err != nil {
		return nil, fmt.Errorf("%w: curve_secretkey: %w", ErrConnection, err)
	}
	k, err := zmtp.PairOf(secret)
	if err != nil || k.Public != public {
		return nil, fmt.Errorf("%w: curve_publickey is not the public key of curve_secretkey", ErrConnection)
	}
	k.Server = public
	return &k, nil
}

// ReadConnectionFile reads the file that a front end hands to its kernel.
func ReadConnectionFile(path string) (ConnectionInfo, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return ConnectionInfo{}, fmt.Errorf("kernel: %w", err)
	}
	var c ConnectionInfo
	if err := json.Unmarshal(b, &c); err != nil {
		return ConnectionInfo{}, fmt.Errorf("%w: %s: %w", ErrConnection, path, err)
	}
	return c, nil
}

// Ports are the five listeners of a kernel. Connections wait in them until Serve takes
// them over.
type Ports struct{ shell, iopub, stdin, control, hb net.Listener }

// Listen binds the five ports, and replaces those that are 0 with the chosen ones.
// Jupyter chose the numbers but did not reserve them: a kernel that first binds other
// ports may take one of these, or one of another kernel's.
func (c *ConnectionInfo) Listen() (*Ports, error) {
	p := &Ports{}
	for _, l := range []struct {
		port     *int
		listener *net.Listener
	}{{&c.ShellPort, &p.shell}, {&c.IOPubPort, &p.iopub}, {&c.StdinPort, &p.stdin}, {&c.ControlPort, &p.control}, {&c.HBPort, &p.hb}} {
		network, address, err := c.Address(*l.port)
		if err == nil {
			*l.listener, err = listen(network, address)
		}
		if err != nil {
			p.Close()
			return nil, fmt.Errorf("kernel: %w", err)
		}
		if tcp, ok := (*l.listener).Addr().(*net.TCPAddr); ok {
			*l.port = tcp.Port
		}
	}
	return p, nil
}

// listen is net.Listen, except that only the owner can use a unix socket, whatever the
// umask. It replaces a socket that nobody listens on, because a killed kernel leaves its
// socket behind.
func listen(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	if errors.Is(err, syscall.EADDRINUSE) && network == "unix" && dead(address) {
		if err = os.Remove(address); err != nil {
			return nil, err
		}
		l, err = net.Listen(network, address)
	}
	if err == nil && network == "unix" {
		if err = os.Chmod(address, 0o600); err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, err
}

// dead reports whether a file is a socket on which nobody listens.
func dead(address string) bool {
	info, err := os.Lstat(address)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return false
	}
	conn, err := net.Dial("unix", address)
	if err == nil {
		conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// Close releases the ports of a kernel that is not served.
func (p *Ports) Close() {
	for _, l := range []net.Listener{p.shell, p.iopub, p.stdin, p.control, p.hb} {
		if l != nil {
			l.Close()
		}
	}
}

// Address returns the network ("tcp" or "unix") and the address of one of the ports.
func (c ConnectionInfo) Address(port int) (network, address string, err error) {
	switch c.Transport {
	case "tcp", "":
		if port < 0 || port > 65535 {
			return "", "", fmt.Errorf("%w: port %d", ErrConnection, port)
		}
		return "tcp", net.JoinHostPort(c.IP, strconv.Itoa(port)), nil
	case "ipc":
		return "unix", c.IP + "-" + strconv.Itoa(port), nil
	}
	return "", "", fmt.Errorf("%w: transport %q, want tcp or ipc", ErrConnection, c.Transport)
}
