package place

import (
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/store/s3"
)

// The variables that name a bucket.
func TestPlaces(t *testing.T) {
	t.Chdir(t.TempDir())
	e := mustEndpoint(t, "https://api.runpod.ai/v2")
	if s, err := StoreOf(e); s != nil || err != nil {
		t.Errorf("%v, %v with nothing set", s, err)
	}
	for name, value := range map[string]string{"GOPHERPOD_BUCKET": "data", "BUCKET_ENDPOINT_URL": "https://s3.example", "BUCKET_ACCESS_KEY_ID": "a", "BUCKET_SECRET_ACCESS_KEY": "sssecret"} {
		t.Setenv(name, value)
	}
	s, err := StoreOf(e)
	signed, ok := s.(s3.Signed)
	if err != nil || !ok || signed.Rule() != "https://s3.example/data/gopherpod/" {
		t.Fatalf("%T, %v", s, err)
	}
	if s, err := StoreOf(mustEndpoint(t, "http://127.0.0.1:1/v2")); s != nil || err != nil {
		t.Errorf("%v, %v on this machine", s, err)
	}
	t.Setenv("BUCKET_ENDPOINT_URL", "")
	if _, err := StoreOf(e); err == nil || !strings.Contains(err.Error(), "BUCKET_ENDPOINT_URL") || strings.Contains(err.Error(), "sssecret") {
		t.Errorf("without an address: %v", err)
	}
}

func mustEndpoint(t *testing.T, base string) *runpod.Endpoint {
	t.Helper()
	c, err := runpod.New(runpod.Config{BaseURL: base, APIKey: "k"})
	if err != nil {
		t.Fatal(err)
	}
	return c.Endpoint("e")
}
