package s3

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/runpod"
)

func TestFromEnv(t *testing.T) {
	const keys = "RUNPOD_VOLUME_ID=vol\nRUNPOD_S3_ACCESS_KEY_ID=user_a\nRUNPOD_S3_SECRET_ACCESS_KEY=rps_b\n"
	for _, c := range []struct {
		name, file string
		env        map[string]string
		endpoint   string // "": none
		refused    string
	}{
		{"nothing", "", nil, "", ""},
		{"no key", "RUNPOD_VOLUME_ID=vol\n", nil, "", ""},
		{"volume", keys + "RUNPOD_VOLUME_DATACENTER_ID=EU-RO-1\n", nil, "https://s3api-eu-ro-1.runpod.io", ""},
		{"environment", "", map[string]string{EnvVolumeID: "vol", EnvDataCenter: "EU-RO-1", EnvAccessKey: "user_a", EnvSecretKey: "rps_b"}, "https://s3api-eu-ro-1.runpod.io", ""},
		{"no data centre", keys, nil, "", EnvDataCenter},
		{"a host as data centre", keys + "RUNPOD_VOLUME_DATACENTER_ID=x.evil.example/\n", nil, "", EnvDataCenter},
		{"another address", keys + "RUNPOD_S3_ENDPOINT_URL=https://s3.example\n", nil, "https://s3.example", ""},
		{"the file's address, the environment's key", keys + "RUNPOD_S3_ENDPOINT_URL=https://evil.example\n", map[string]string{EnvSecretKey: "rps_mine"}, "", "an address of its own"},
		{"rubbish", "rps_secret\x00=\"", nil, "", "NAME=value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, name := range []string{EnvVolumeID, EnvDataCenter, EnvAccessKey, EnvSecretKey, EnvEndpoint} {
				t.Setenv(name, c.env[name])
			}
			path := filepath.Join(t.TempDir(), ".env")
			if c.file != "" {
				if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, ok, err := fromEnv(path)
			if c.refused != "" {
				if !errors.Is(err, runpod.ErrInvalid) || !strings.Contains(err.Error(), c.refused) || strings.Contains(err.Error(), "rps_") {
					t.Errorf("%v, want %s", err, c.refused)
				}
				return
			}
			if err != nil || ok != (c.endpoint != "") || ok && (got.Endpoint != c.endpoint || got.Bucket != "vol") {
				t.Errorf("%+v, %v, %v", got, ok, err)
			}
			if ok {
				if _, err := New(got); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
