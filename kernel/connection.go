package kernel

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
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
// Jupyter picked the numbers for the kernel and holds nothing: a kernel that binds ports
// of its own first may take one of these, or one of another kernel's.
func (c *ConnectionInfo) Listen() (*Ports, error) {
	p := &Ports{}
	for _, l := range []struct {
		port     *int
		listener *net.Listener
	}{{&c.ShellPort, &p.shell}, {&c.IOPubPort, &p.iopub}, {&c.StdinPort, &p.stdin}, {&c.ControlPort, &p.control}, {&c.HBPort, &p.hb}} {
		network, address, err := c.Address(*l.port)
		if err == nil {
			*l.listener, err = net.Listen(network, address)
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
