// Package settings is the one place where the client of RunPod learns what a user has
// set. For each variable these sources are asked in this order:
//
//  1. the environment
//  2. the file .env of the working directory
//  3. the system's keyring, whose secrets the kernel and the command line put into the
//     environment when they start (package settings/keyring)
//  4. of RUNPOD_API_KEY alone: ~/.runpod/config.toml, which RunPod's own programs write
//
// A program asks for a name and may ask where the value comes from:
//
//	s, err := settings.Read(".env")
//	key, from := s.Get("RUNPOD_API_KEY"), s.From("RUNPOD_API_KEY")
//
// The file .env may belong to somebody else, whose folder was unpacked or cloned. So an
// address that it names never gets a key from another source; see Redirects.
//
//	settings.go    the sources and their order
//	inherited.go   what our own processes tell each other
//	config.go      ~/.runpod/config.toml
//	dotenv.go      a variable written into .env
package settings

import (
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/gopherpod/gopherpod/tensors/environ"
)

// EnvAPIKey names the key of the user's RunPod account.
const EnvAPIKey = "RUNPOD_API_KEY"

// ErrSyntax is the error for a file .env that is not a list of NAME=value lines.
var ErrSyntax = environ.ErrSyntax

// ErrUnfit is the error for a file of settings that is not read, such as a FIFO.
var ErrUnfit = environ.ErrUnfit

// Settings are the variables of all sources.
type Settings struct {
	path   string
	file   map[string]string
	config string // the key of config.toml
}

// Read reads the sources; path is that of the file .env, which need not exist. Of
// config.toml only what no other source has is read. The error is an ErrSyntax, an
// ErrUnfit, an ErrConfig or another *fs.PathError, and names the file; no error quotes
// it.
func Read(path string) (Settings, error) {
	s := Settings{path: path}
	var err error
	if s.file, err = environ.Read(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	if s.Get(EnvAPIKey) == "" {
		s.config, err = configKey()
		return s, err
	}
	return s, nil
}

// A Source is where a value comes from: "environment", "keyring", or a file's name.
type Source string

// The sources that are no files.
const (
	Environment Source = "environment"
	Keyring     Source = "keyring"
)

// In returns the source for use in a sentence: "the environment", "the keyring", ".env".
func (s Source) In() string {
	if s == Environment || s == Keyring {
		return "the " + string(s)
	}
	return string(s)
}

// Get returns the value of a variable, or "" if no source has it.
func (s Settings) Get(name string) string {
	value, _ := s.find(name)
	return value
}

// From returns the source that Get has a value from, or "".
func (s Settings) From(name string) Source {
	_, from := s.find(name)
	return from
}

func (s Settings) find(name string) (string, Source) {
	set := os.Getenv(name)
	fromKeyring := set != "" && isFromKeyring(name)
	switch {
	case set != "" && !fromKeyring:
		return set, Environment
	case s.file[name] != "":
		return s.file[name], Source(s.path)
	case fromKeyring:
		return set, Keyring
	case name == EnvAPIKey && s.config != "":
		return s.config, ConfigFile
	}
	return "", ""
}

// Redirects reports whether the file .env would send a key of another source to an
// address of the file's choosing. The address of our own process on this machine is not
// one; any other on loopback is, because another user of the machine may listen there.
func (s Settings) Redirects(key, address string) bool {
	file := Source(s.path)
	if from := s.From(key); from == "" || from == file || s.From(address) != file {
		return false
	}
	return !IsLocal(s.Get(address))
}

// A Setting is a variable, its value, and where that comes from.
type Setting struct {
	Name  string
	Value string // "***" for a secret
	From  Source // "" if it is not set
}

// Show returns variables for people to look at: the value of a secret is left out.
func (s Settings) Show(names ...string) []Setting {
	var list []Setting
	for _, name := range names {
		v := Setting{Name: name}
		v.Value, v.From = s.find(name)
		if v.Value != "" && environ.IsSecret(name) {
			v.Value = "***"
		}
		list = append(list, v)
	}
	return list
}

// Environ returns the environment as os.Environ does, and the key of config.toml if it is
// the one in use: what a program must not print is among these variables and those of .env.
func Environ() []string {
	list := slices.Clip(os.Environ())
	if s, err := Read(".env"); err == nil && s.From(EnvAPIKey) == ConfigFile {
		list = append(list, EnvAPIKey+"="+s.config)
	}
	return list
}
