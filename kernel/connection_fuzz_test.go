package kernel_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gopherpod/gopherpod/kernel"
)

// FuzzConnectionFile: a connection file names addresses, or is refused.
func FuzzConnectionFile(f *testing.F) {
	f.Add([]byte(`{"transport":"tcp","ip":"127.0.0.1","shell_port":1,"key":"k","signature_scheme":"hmac-sha256"}`))
	f.Add([]byte(`{"transport":"ipc","ip":"/tmp/k","hb_port":-1}`))
	f.Add([]byte(`{"transport":"udp","shell_port":1e9}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		name := filepath.Join(t.TempDir(), "c.json")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := kernel.ReadConnectionFile(name)
		if err != nil {
			return
		}
		for _, port := range []int{c.ShellPort, c.IOPubPort, c.StdinPort, c.ControlPort, c.HBPort} {
			network, address, err := c.Address(port)
			if err == nil && (network != "tcp" && network != "unix" || address == "") {
				t.Fatalf("%q is %s %q", b, network, address)
			}
		}
	})
}
