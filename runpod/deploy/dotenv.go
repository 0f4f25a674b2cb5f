package deploy

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/joho/godotenv"

	"github.com/gopherpod/gopherpod/runpod"
)

var endpointLine = regexp.MustCompile(`(?m)^([ \t]*(?:export[ \t]+)?` + runpod.EnvEndpointID + `[ \t]*[=:])[^\r\n]*`)

var validID = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// SetEndpoint writes RUNPOD_ENDPOINT_ID into a file of NAME=value lines, which only
// its owner can read from then on. All other lines stay as they are; a file whose
// other values would change is left alone. The file is replaced at once or not at
// all.
func SetEndpoint(name string, id runpod.EndpointID) error {
	if !validID.MatchString(string(id)) {
		return fmt.Errorf("the service named the endpoint %.80q, which is no id", id)
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text := setLine(string(old), string(id))
	if err := onlyEndpointDiffers(string(old), text, string(id)); err != nil {
		return fmt.Errorf("%s: %w; add %s=%s to it by hand", name, err, runpod.EnvEndpointID, id)
	}
	return replaceFile(name, text)
}

func setLine(text, id string) string {
	if endpointLine.MatchString(text) {
		return endpointLine.ReplaceAllString(text, "${1}"+id)
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + runpod.EnvEndpointID + "=" + id + "\n"
}

// onlyEndpointDiffers reads both texts as FromEnv will. No error quotes a line:
// it may be that of the key.
func onlyEndpointDiffers(before, after, id string) error {
	a, err := godotenv.Unmarshal(before)
	if err != nil {
		return errors.New("not a list of NAME=value lines")
	}
	b, err := godotenv.Unmarshal(after)
	if err != nil || b[runpod.EnvEndpointID] != id {
		return errors.New("the endpoint's id cannot be set in it")
	}
	delete(a, runpod.EnvEndpointID)
	delete(b, runpod.EnvEndpointID)
	if !maps.Equal(a, b) {
		return errors.New("other values would change with the endpoint's id")
	}
	return nil
}

func replaceFile(name, text string) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".env-*") // 0600 from the start
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
