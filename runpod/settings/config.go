package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/BurntSushi/toml"

	"github.com/gopherpod/gopherpod/tensors/environ"
)

// ConfigFile is where RunPod's own programs keep the key of the user's account.
const ConfigFile Source = "~/.runpod/config.toml"

// ErrConfig is the error for a config.toml that is not what RunPod's programs write.
var ErrConfig = errors.New("not a file of RunPod's settings")

// configKey returns the key of config.toml, or "" if there is no file or no key in it.
//
// RunPod's SDK for Python and its command line write a table per profile, of which the
// SDK reads "default": [default] api_key = "rpa_...". Source: runpod 1.12.0,
// runpod/cli/groups/config/functions.py. runpodctl writes apikey = "rpa_..." before all
// tables, in any letter case. Source: github.com/runpod/runpodctl, cmd/root.go and
// cmd/config/config.go. Each keeps what the other wrote. We take no address from the file.
func configKey() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", nil // without a home folder there is no such file
	}
	b, err := environ.ReadFile(filepath.Join(home, ".runpod", "config.toml"))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return "", nil // a home folder that the user may not read holds none of their settings
	case err != nil:
		return "", fmt.Errorf("%w; %s is read because %s is not set elsewhere", err, ConfigFile, EnvAPIKey)
	}
	var c struct {
		Default struct {
			Key string `toml:"api_key"`
		} `toml:"default"`
		Key string `toml:"apikey"`
	}
	if err := toml.Unmarshal(b, &c); err != nil {
		// The library's message may quote the line of the key.
		return "", fmt.Errorf("%s is %w: want [default] and a line such as api_key = \"rpa_...\"; or set %s elsewhere", ConfigFile, ErrConfig, EnvAPIKey)
	}
	if c.Default.Key != "" {
		return c.Default.Key, nil
	}
	return c.Key, nil
}
