// Package keyring keeps secrets in the system's keyring: the Secret Service of a Linux
// desktop (GNOME Keyring, KWallet) or the Keychain of macOS.
//
// A file in the user's configuration lists the names in the keyring, so that users who
// keep their secrets elsewhere are never asked to unlock it.
package keyring

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/gopherpod/gopherpod/runpod/settings"
)

const service = "gopherpod"

// patience is how long a keyring may take: a user may have to unlock it for Set, or
// for Get in a program that waits.
const patience = 30 * time.Second

// name matches variable names.
var name = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,99}$`)

// Set stores a secret under the name of a variable, replacing an earlier one.
func Set(ctx context.Context, variable, value string) error {
	if !name.MatchString(variable) {
		return fmt.Errorf("%q is not the name of a variable, such as RUNPOD_API_KEY", variable)
	}
	if value == "" {
		return errors.New("the secret is empty; nothing was changed")
	}
	if _, err := within(ctx, patience, func() (string, error) { return "", keyring.Set(service, variable, value) }); err != nil {
		return unusable(err)
	}
	names, err := Names()
	if err != nil || slices.Contains(names, variable) {
		return err
	}
	return write(append(names, variable))
}

// Delete removes a secret. It is not an error if there is none.
func Delete(ctx context.Context, variable string) error {
	_, err := within(ctx, patience, func() (string, error) { return "", keyring.Delete(service, variable) })
	if err != nil && !errors.Is(err, keyring.ErrNotFound) {
		return unusable(err)
	}
	names, err := Names()
	if err != nil {
		return err
	}
	return write(slices.DeleteFunc(names, func(n string) bool { return n == variable }))
}

// Names returns the variables that Set has stored.
func Names() ([]string, error) {
	path, err := list()
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return slices.DeleteFunc(strings.Fields(string(b)), func(n string) bool { return !name.MatchString(n) }), nil
}

// Load copies secrets from the keyring into the environment, except those that, according
// to s, the environment or the file .env already has. It waits at most wait for each. The
// error lists the variables that it could not get.
func Load(ctx context.Context, wait time.Duration, s settings.Settings) error {
	names, err := Names()
	if err != nil {
		return err
	}
	var errs []error
	for _, n := range names {
		if from := s.From(n); from != "" && from != settings.ConfigFile {
			continue
		}
		value, err := within(ctx, wait, func() (string, error) { return keyring.Get(service, n) })
		switch {
		case errors.Is(err, keyring.ErrNotFound):
			errs = append(errs, fmt.Errorf("%s is not in the keyring any more: gopherpod key set %[1]s", n))
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", n, unusable(err)))
		default:
			errs = append(errs, settings.SetFromKeyring(n, value))
		}
	}
	return errors.Join(errs...)
}

// unusable says what to do about a keyring that does not work, because the library's
// message does not help a user much.
func unusable(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("the keyring does not answer; is it locked? The environment or .env serve as well")
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return fmt.Errorf("there is no keyring that can be used here (%s); the environment or .env serve as well", line)
}

// within runs f, which may hang if the desktop session is gone.
func within(ctx context.Context, d time.Duration, f func() (string, error)) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	type answer struct {
		value string
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		value, err := f()
		done <- answer{value, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func list() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("keyring: %w", err)
	}
	return filepath.Join(dir, "gopherpod", "keyring"), nil
}

func write(names []string) error {
	path, err := list()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	text := ""
	if len(names) > 0 {
		text = strings.Join(names, "\n") + "\n"
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	return nil
}
