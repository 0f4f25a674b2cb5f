// Package settings reads what a user has set: the environment and, for variables that
// are not set or empty there, the file .env of the working directory.
//
//	s, err := settings.Read(".env")
//	key := s.Get("RUNPOD_API_KEY")
//
// A file may belong to somebody else, whose folder was unpacked or cloned. So an address
// that a file names never gets a key that the environment holds; see Redirects.
package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// EnvLocalURL names the endpoint that our own process on this machine serves. Whoever
// starts one, the notebook's kernel or the command line, sets it for the programs that it
// starts. It is not read from a file.
const EnvLocalURL = "GOPHERPOD_LOCAL_URL"

// envKeyring names the variables that the program set from the system's keyring.
const envKeyring = "GOPHERPOD_KEYRING"

// ErrSyntax: the file is not a list of NAME=value lines. The line is not quoted, because
// it may be that of a key.
var ErrSyntax = errors.New("not a list of NAME=value lines")

// Settings are the environment's variables before those of a file.
type Settings struct {
	path string
	file map[string]string
}

// Read reads the file, which need not exist. The error is ErrSyntax, or an
// *fs.PathError.
func Read(path string) (Settings, error) {
	file, err := godotenv.Read(path)
	var of *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	case err != nil && !errors.As(err, &of):
		err = fmt.Errorf("%s is %w", path, ErrSyntax)
	}
	return Settings{path, file}, err
}

// Get is the value of a variable, "" if it is not set.
func (s Settings) Get(name string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return s.file[name]
}

// From says where Get has a value from: "environment", "keyring", the file's name, or ""
// if it is not set.
func (s Settings) From(name string) string {
	switch {
	case os.Getenv(name) != "" && slices.Contains(strings.Fields(os.Getenv(envKeyring)), name):
		return "keyring"
	case os.Getenv(name) != "":
		return "environment"
	case s.file[name] != "":
		return s.path
	}
	return ""
}

// Redirects reports whether the file would send the environment's key to an address of
// the file's choosing. The address of our own process on this machine is not; any other
// on loopback is, because another user of the machine may listen there.
func (s Settings) Redirects(key, address string) bool {
	if os.Getenv(key) == "" || os.Getenv(address) != "" || s.file[address] == "" {
		return false
	}
	return !sameHost(s.file[address], os.Getenv(EnvLocalURL))
}

// sameHost reports whether two addresses are of the same host and port.
func sameHost(a, b string) bool {
	u, err := url.Parse(a)
	v, err2 := url.Parse(b)
	return err == nil && err2 == nil && u.Host != "" && u.Host == v.Host
}
