package runpod

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/gopherpod/gopherpod/runpod/settings"
)

// The variables that FromEnv reads. RUNPOD_ENDPOINT_BASE_URL is that of RunPod's
// Python SDK.
const (
	EnvAPIKey        = "RUNPOD_API_KEY"
	EnvEndpointID    = "RUNPOD_ENDPOINT_ID"
	EnvBaseURL       = "RUNPOD_ENDPOINT_BASE_URL"
	EnvManagementURL = "RUNPOD_MANAGEMENT_URL"
)

// FromEnv makes a Config of the environment and, for variables that are not set
// or empty there, of the file .env in the working directory, which need not
// exist. Fields without a variable keep their zero value; no endpoint id is no
// error.
func FromEnv() (Config, error) { return FromEnvFile(".env") }

// FromEnvFile is FromEnv with another file than .env.
func FromEnvFile(name string) (Config, error) {
	s, err := settings.Read(name)
	switch {
	case errors.Is(err, settings.ErrSyntax):
		return Config{}, invalid("config", "", "%v", err)
	case err != nil:
		return Config{}, fmt.Errorf("runpod: %w", err)
	}
	c := Config{
		APIKey:        Secret(s.Get(EnvAPIKey)),
		EndpointID:    EndpointID(s.Get(EnvEndpointID)),
		BaseURL:       s.Get(EnvBaseURL),
		ManagementURL: s.Get(EnvManagementURL),
	}
	for _, variable := range []string{EnvBaseURL, EnvManagementURL} {
		u, err := url.Parse(s.Get(variable))
		if s.Redirects(EnvAPIKey, variable) && (err != nil || !isRunPod(u.Hostname())) {
			return c, invalid("config", "", "%s sends the key of the environment to a host that is not RunPod's; set %s in the environment too if that is meant", name, variable)
		}
	}
	return c, nil
}

// A Setting is a variable, its value, and where that comes from.
type Setting struct {
	Name  string
	Value string // "***" for a secret
	From  string // "environment", "keyring", ".env", or "" if it is not set
}

// Settings says what the variables are, as FromEnv reads them. secret reports whether a
// variable of that name holds a secret, whose value is left out: secrets.IsName.
func Settings(secret func(name string) bool, names ...string) []Setting {
	s, _ := settings.Read(".env") // FromEnv says what is wrong in it
	var list []Setting
	for _, name := range names {
		v := Setting{Name: name, Value: s.Get(name), From: s.From(name)}
		if v.Value != "" && secret(name) {
			v.Value = "***"
		}
		list = append(list, v)
	}
	return list
}

func isRunPod(host string) bool {
	host = strings.ToLower(host)
	return host == "api.runpod.ai" || host == "api.runpod.io"
}
