// Package environ holds what the kernel and the client of RunPod both have to know about
// environment variables: how a file of NAME=value lines is read, and which names are those
// of secrets. Neither of the two may import the other, so both import this package.
//
//	vars, err := environ.Read(".env")
//	environ.IsSecret("RUNPOD_API_KEY") // true
//
// Such a file may be in a folder that another user made, so it is read with
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
// quote the line, which may contain a key.
var ErrSyntax = errors.New("not a list of NAME=value lines")

// Read reads the variables of a file. The error is an fs.ErrNotExist, an ErrUnfit, an
// ErrSyntax or another *fs.PathError, and names the file.
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
var secretName = regexp.MustCompile(`(?i)(^|_)(api_?key|key|token|secret|credentials?|access_key_id|pass|pat|jwt)$|passw(or)?d$|passphrase$|^(sshpass|mysql_pwd|rediscli_auth)$`)

// KeyringPrefix begins the names of variables whose values come from the system's keyring:
// what users keep there is secret, whatever its name.
const KeyringPrefix = "GOPHERPOD_KEYRING_"

// IsSecret reports whether a variable of that name holds a secret. It is the only rule
// for what is masked in outputs, which settings are shown, and which variables other
// processes get.
func IsSecret(name string) bool {
	return strings.HasPrefix(name, KeyringPrefix) || secretName.MatchString(name)
}
