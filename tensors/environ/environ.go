// Package environ holds what the kernel and the client of RunPod both have to know of
// environment variables: how a file of NAME=value lines is read, and which names are
// those of secrets. Neither of the two may import the other, so it stands with the packages
// below both.
//
//	vars, err := environ.Read(".env")
//	environ.IsSecret("RUNPOD_API_KEY") // true
//
// Such a file may be in a folder that somebody else has made, so it is read with
// care: see ReadFile.
package environ

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/joho/godotenv"
)

// ErrSyntax is the error for a file that is not a list of NAME=value lines. It does not
// quote the line, which may be that of a key.
var ErrSyntax = errors.New("not a list of NAME=value lines")

// Read reads the variables of a file. The error is an fs.ErrNotExist, an ErrUnfit, an
// ErrSyntax or another *fs.PathError, and says which file it is about.
func Read(name string) (map[string]string, error) {
	b, err := ReadFile(name)
	if err != nil {
		return nil, err
	}
	vars, err := Parse(string(b))
	if err != nil {
		return nil, fmt.Errorf("%s is %w", name, err)
	}
	return vars, nil
}

// Parse reads the variables of a text. The error is ErrSyntax.
func Parse(text string) (map[string]string, error) {
	vars, err := godotenv.Parse(strings.NewReader(text))
	if err != nil {
		return nil, ErrSyntax
	}
	return vars, nil
}

// secretName matches names of variables that hold a secret, or the id of an access key.
var secretName = regexp.MustCompile(`(?i)(^|_)(api_?key|key|token|secret|credentials?|access_key_id)$|passw(or)?d$`)

// KeyringPrefix begins the names of variables whose values come from the system's keyring:
// what people keep there is secret under any name.
const KeyringPrefix = "GOPHERPOD_KEYRING_"

// IsSecret reports whether a variable of that name holds a secret. It is the one rule for
// what is masked in outputs, what is shown of settings, and what other processes get.
func IsSecret(name string) bool {
	return strings.HasPrefix(name, KeyringPrefix) || secretName.MatchString(name)
}
