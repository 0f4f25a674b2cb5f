package runpod

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

// The variables that FromEnv reads. RUNPOD_ENDPOINT_BASE_URL is that of RunPod's
// Python SDK.
const (
	EnvAPIKey        = "RUNPOD_API_KEY"
	EnvEndpointID    = "RUNPOD_ENDPOINT_ID"
	EnvBaseURL       = "RUNPOD_ENDPOINT_BASE_URL"
	EnvManagementURL = "RUNPOD_MANAGEMENT_URL"
)

// envKeyring names the variables that the program set from the system's keyring.
const envKeyring = "GOPHERPOD_KEYRING"

// FromEnv makes a Config of the environment and, for variables that are not set
// or empty there, of the file .env in the working directory, which need not
// exist. Fields without a variable keep their zero value; no endpoint id is no
// error.
func FromEnv() (Config, error) { return FromEnvFile(".env") }

// FromEnvFile is FromEnv with another file than .env.
func FromEnvFile(name string) (Config, error) {
	file, err := godotenv.Read(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		// The parser's error quotes the line, which may be that of the key.
		var path *fs.PathError
		if errors.As(err, &path) {
			return Config{}, fmt.Errorf("runpod: %w", err)
		}
		return Config{}, invalid("config", "", "%s is not a list of NAME=value lines", name)
	}
	get := func(name string) string {
		if v := os.Getenv(name); v != "" {
			return v
		}
		return file[name]
	}
	c := Config{
		APIKey:        Secret(get(EnvAPIKey)),
		EndpointID:    EndpointID(get(EnvEndpointID)),
		BaseURL:       get(EnvBaseURL),
		ManagementURL: get(EnvManagementURL),
	}
	return c, checkFile(name, file)
}

// A Setting is a variable, its value, and where that comes from.
type Setting struct {
	Name  string
	Value string // "***" for a secret
	From  string // "environment", "keyring", ".env", or "" if it is not set
}

// Settings says what the variables are, as FromEnv reads them. A secret's value, that
// of a variable with KEY, SECRET, TOKEN or PASSWORD in its name, is not among it.
func Settings(names ...string) []Setting {
	file, _ := godotenv.Read(".env") // what is wrong in it FromEnv tells
	var list []Setting
	for _, name := range names {
		s := Setting{Name: name}
		if v := os.Getenv(name); v != "" {
			s.Value, s.From = v, "environment"
			if slices.Contains(strings.Fields(os.Getenv(envKeyring)), name) {
				s.From = "keyring"
			}
		} else if v := file[name]; v != "" {
			s.Value, s.From = v, ".env"
		}
		for _, word := range []string{"KEY", "SECRET", "TOKEN", "PASSWORD"} {
			if s.Value != "" && strings.Contains(name, word) {
				s.Value = "***"
			}
		}
		list = append(list, s)
	}
	return list
}

// checkFile refuses a file that would send the environment's key to a host of the
// file's choosing: the folder that it lies in may be somebody else's.
func checkFile(name string, file map[string]string) error {
	if os.Getenv(EnvAPIKey) == "" {
		return nil
	}
	for _, variable := range []string{EnvBaseURL, EnvManagementURL} {
		if os.Getenv(variable) != "" || file[variable] == "" {
			continue
		}
		u, err := url.Parse(file[variable])
		if err != nil || !isRunPod(u.Hostname()) && !isLoopback(u.Hostname()) {
			return invalid("config", "", "%s sends the key of the environment to a host that is not RunPod's; set %s in the environment too if that is meant", name, variable)
		}
	}
	return nil
}

func isRunPod(host string) bool {
	host = strings.ToLower(host)
	return host == "api.runpod.ai" || host == "api.runpod.io"
}
