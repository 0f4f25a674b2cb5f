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
	EnvAPIKey        = settings.EnvAPIKey
	EnvEndpointID    = "RUNPOD_ENDPOINT_ID"
	EnvBaseURL       = "RUNPOD_ENDPOINT_BASE_URL"
	EnvManagementURL = "RUNPOD_MANAGEMENT_URL"
)

// FromEnv returns a Config with what the user has set: in the environment, else in the file
// .env of the working directory, and so on; see package settings. Fields without a variable
// keep their zero value. It is not an error if there is no endpoint id.
func FromEnv() (Config, error) { return FromEnvFile(".env") }

// FromEnvFile is FromEnv with another file than .env.
func FromEnvFile(name string) (Config, error) {
	s, err := settings.Read(name)
	switch {
	case errors.Is(err, settings.ErrSyntax), errors.Is(err, settings.ErrUnfit), errors.Is(err, settings.ErrConfig):
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
			return c, invalid("config", "", "%s sends the key of %s to a host that is not RunPod's; set %s in the environment too if that is meant", name, s.From(EnvAPIKey).In(), variable)
		}
	}
	return c, nil
}

func isRunPod(host string) bool {
	host = strings.ToLower(host)
	return host == "api.runpod.ai" || host == "api.runpod.io"
}
