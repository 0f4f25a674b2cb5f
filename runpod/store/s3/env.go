package s3

import (
	"fmt"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/settings"
)

// The variables that FromEnv reads, for a network volume.
const (
	EnvVolumeID   = "RUNPOD_VOLUME_ID"            // the network volume, which is the bucket's name
	EnvDataCenter = "RUNPOD_VOLUME_DATACENTER_ID" // "EU-RO-1"
	EnvAccessKey  = "RUNPOD_S3_ACCESS_KEY_ID"     // "user_..."
	EnvSecretKey  = "RUNPOD_S3_SECRET_ACCESS_KEY" // "rps_..."
	EnvEndpoint   = "RUNPOD_S3_ENDPOINT_URL"      // instead of the data centre's address
)

// The variables that BucketFromEnv reads, for a bucket of the user. Those of the address and
// the keys have the names that RunPod's Python SDK uses.
const (
	EnvBucket          = "GOPHERPOD_BUCKET" // name of the bucket; setting it turns the bucket on
	EnvBucketRegion    = "GOPHERPOD_BUCKET_REGION"
	EnvBucketEndpoint  = "BUCKET_ENDPOINT_URL" // "https://s3.eu-central-1.amazonaws.com", without the bucket
	EnvBucketAccessKey = "BUCKET_ACCESS_KEY_ID"
	EnvBucketSecretKey = "BUCKET_SECRET_ACCESS_KEY"
)

// FromEnv returns the Config of the network volume that the environment names. Variables that
// are not set in the environment are read from the file .env in the working directory. ok
// is false if they name no volume or no key; data is then sent as jobs.
//
// An address from the file is never combined with a key from the environment.
func FromEnv() (c Config, ok bool, err error) { return fromEnv(".env") }

// BucketFromEnv is FromEnv for a bucket of the user, which workers reach through presigned
// URLs. ok is false if GOPHERPOD_BUCKET is not set.
func BucketFromEnv() (c Config, ok bool, err error) { return bucketFromEnv(".env") }

func readSettings(path string) (settings.Settings, error) {
	s, err := settings.Read(path)
	if err != nil {
		return s, fmt.Errorf("s3: %w: %w", runpod.ErrInvalid, err)
	}
	return s, nil
}

// checkSameSource rejects an address from the file .env combined with a key from elsewhere.
func checkSameSource(s settings.Settings, path, key, address string) error {
	if s.Redirects(key, address) {
		return fmt.Errorf("s3: %w: %s sends the key of %s to an address of its own; set %s in the environment too if that is meant", runpod.ErrInvalid, path, s.From(key).In(), address)
	}
	return nil
}

func bucketFromEnv(path string) (c Config, ok bool, err error) {
	s, err := readSettings(path)
	if err != nil {
		return c, false, err
	}
	if s.Get(EnvBucket) == "" {
		return c, false, nil
	}
	for _, name := range []string{EnvBucketEndpoint, EnvBucketAccessKey, EnvBucketSecretKey} {
		if s.Get(name) == "" {
			return c, false, fmt.Errorf("s3: %w: %s is set and %s is not", runpod.ErrInvalid, EnvBucket, name)
		}
	}
	c = Config{Endpoint: s.Get(EnvBucketEndpoint), Region: s.Get(EnvBucketRegion), Bucket: s.Get(EnvBucket),
		AccessKey: s.Get(EnvBucketAccessKey), SecretKey: runpod.Secret(s.Get(EnvBucketSecretKey))}
	return c, true, checkSameSource(s, path, EnvBucketSecretKey, EnvBucketEndpoint)
}

func fromEnv(path string) (c Config, ok bool, err error) {
	s, err := readSettings(path)
	if err != nil {
		return c, false, err
	}
	get := s.Get
	volume, center, access, secret := get(EnvVolumeID), get(EnvDataCenter), get(EnvAccessKey), get(EnvSecretKey)
	if volume == "" || access == "" || secret == "" {
		return c, false, nil
	}
	address := get(EnvEndpoint)
	if address == "" && !validCenter(center) {
		return c, false, fmt.Errorf("s3: %w: %s: want the data centre of the volume, such as EU-RO-1, got %.40q", runpod.ErrInvalid, EnvDataCenter, center)
	}
	c = Volume(center, volume, access, runpod.Secret(secret))
	if address != "" {
		if err := checkSameSource(s, path, EnvSecretKey, EnvEndpoint); err != nil {
			return c, false, err
		}
		c.Endpoint = address
	}
	return c, true, nil
}

// validCenter reports whether a data centre has only letters, digits and dashes, because it
// becomes part of a host name.
func validCenter(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return s != "" && len(s) < 40
}
