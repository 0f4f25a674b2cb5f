package deploy

import (
	"strings"
	"testing"
)

func TestImageNames(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("0a", 32)
	for _, name := range []string{"i", "you/worker:1", "ghcr.io/you/worker:v1.2_3", "registry:5000/you/worker", "registry:5000/worker:1", "you/worker" + digest, "you/worker:1" + digest, "a__b/c-d.e:latest",
		"Registry.Example.com/you/worker:A", "[::1]:5000/worker", "localhost/worker"} {
		if err := checkImage(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "a/b:1@@x", "a/b:1:2", "a/b@x", "a/b@sha256:12", "a//b", "/a", "a/", "a:", "a b", "a/b:1@", "a" + digest + digest, ":1", "a/b:-1", strings.Repeat("a", 600),
		"You/Worker:1", "a/b:" + strings.Repeat("1", 129), "a/b@md5:" + strings.Repeat("0a", 16), "a/b@sha256:" + strings.Repeat("0G", 32), "a/b@sha256:" + strings.Repeat("0a", 31), strings.Repeat("0a", 32),
		"https://ghcr.io/you/worker:1", "a/.b", "a/b_", "a..b/c", "-a/b", "a/b\n", "a/b:1 ", "ä/b", "registry:port/b", "a/b?x=1", "a/b:1#x"} {
		if checkImage(name) == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}

// TestImageError: the error says which part of the name is wrong.
func TestImageError(t *testing.T) {
	err := Options{Image: "You/Worker:1"}.check()
	if err == nil || !strings.Contains(err.Error(), `--image "You/Worker:1"`) || !strings.Contains(err.Error(), "must be lowercase") {
		t.Error(err)
	}
	if err := (Options{Image: "a/b:1@@x"}).check(); err == nil || !strings.Contains(err.Error(), "want PATH:TAG or PATH@DIGEST") {
		t.Error(err)
	}
}
