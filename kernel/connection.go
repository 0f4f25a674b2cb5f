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
