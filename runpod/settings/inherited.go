package settings

import (
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/tensors/environ"
)

// EnvLocalURL names the endpoint that our own process on this machine serves. The
// notebook's kernel or the command line, whichever starts the endpoint, sets it for the
// programs that it starts.
const EnvLocalURL = "GOPHERPOD_LOCAL_URL"

// envKeyring lists the variables whose values in the environment come from the system's
// keyring. The variable environ.KeyringPrefix plus such a name holds a copy of the value: if
// the two differ, the variable was changed since and counts as the environment's own.
const envKeyring = "GOPHERPOD_KEYRING"

// Inherited returns a variable that the process has from the one that started it, or "".
// It is for what our own processes pass to each other and for the system's folders: no file
// can set these.
func Inherited(name string) string { return os.Getenv(name) }

// IsLocal reports whether an address has the host and port of the endpoint that our own
// process on this machine serves.
func IsLocal(address string) bool {
	u, err := url.Parse(address)
	own, err2 := url.Parse(os.Getenv(EnvLocalURL))
	return err == nil && err2 == nil && u.Host != "" && u.Host == own.Host
}

// isFromKeyring reports whether a variable of the environment has the value that
// SetFromKeyring gave it.
func isFromKeyring(name string) bool {
	return slices.Contains(strings.Fields(os.Getenv(envKeyring)), name) && os.Getenv(name) == os.Getenv(environ.KeyringPrefix+name)
}

// SetFromKeyring puts a secret of the keyring into the environment of this process and of
// those that it starts.
func SetFromKeyring(name, value string) error {
	list := strings.Fields(os.Getenv(envKeyring))
	if !slices.Contains(list, name) {
		list = append(list, name)
	}
	for variable, v := range map[string]string{name: value, environ.KeyringPrefix + name: value, envKeyring: strings.Join(list, " ")} {
		if err := os.Setenv(variable, v); err != nil {
			return err
		}
	}
	return nil
}
