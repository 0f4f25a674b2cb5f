// Package settings is the one place where the RunPod client reads what a user has
// set. For each variable it asks these sources in this order:
//
//  1. the environment
//  2. the file .env of the working directory
//  3. the system's keyring, whose secrets the kernel and the command line put into the
//     environment when they start (package settings/keyring)
//  4. for RUNPOD_API_KEY only: ~/.runpod/config.toml, which RunPod's own programs write
//
// A program asks for a name and may ask where the value comes from:
//
//	s, err := settings.Read(".env")
//	key, from := s.Get("RUNPOD_API_KEY"), s.From("RUNPOD_API_KEY")
//
// The file .env may come from somebody else, in a folder that was unpacked or cloned. So a
// key from another source is never sent to an address that the file names; see Redirects.
//
//	settings.go    the sources and their order
//	inherited.go   what our own processes pass to each other
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

// ErrUnfit is the error for a settings file that we do not read, such as a FIFO.
var ErrUnfit = environ.ErrUnfit

// Settings are the variables of all sources.
type Settings struct {
	path   string
	file   map[string]string
	config string // the key of config.toml
}

// Read reads the sources; path is the path of the file .env, which need not exist. From
// config.toml it takes only what no other source has. The error is an ErrSyntax, an
// ErrUnfit, an ErrConfig or another *fs.PathError, and names the file; no error quotes
// the file's contents.
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

// The sources that are not files.
const (
	Environment Source = "environment"
	Keyring     Source = "keyring"
)

// In returns the source as it appears in a sentence: "the environment", "the keyring", ".env".
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

// From returns the source of the value that Get returns, or "".
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

// Redirects reports whether the file .env would send a key from another source to an
// address that the file chose. The address of our own process on this machine does not
// count; other loopback addresses do, because another user of the machine may listen there.
func (s Settings) Redirects(key, address string) bool {
	file := Source(s.path)
	if from := s.From(key); from == "" || from == file || s.From(address) != file {
		return false
	}
	return !IsLocal(s.Get(address))
}

// A Setting is a variable, its value, and the source of the value.
type Setting struct {
	Name  string
	Value string // "***" for a secret
	From  Source // "" if it is not set
}

// Show returns variables for people to look at, without the values of secrets.
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

// Environ returns the environment as os.Environ does, plus the key of config.toml if it is
// in use. These variables and those of .env include everything a program must not print.
func Environ() []string {
	list := slices.Clip(os.Environ())
	if s, err := Read(".env"); err == nil && s.From(EnvAPIKey) == ConfigFile {
		list = append(list, EnvAPIKey+"="+s.config)
	}
	return list
}
