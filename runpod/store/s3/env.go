package s3

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/joho/godotenv"

	"github.com/gopherpod/gopherpod/runpod"
)

// The variables that FromEnv reads.
const (
	EnvVolumeID   = "RUNPOD_VOLUME_ID"            // the network volume, which is the bucket's name
	EnvDataCenter = "RUNPOD_VOLUME_DATACENTER_ID" // "EU-RO-1"
	EnvAccessKey  = "RUNPOD_S3_ACCESS_KEY_ID"     // "user_..."
	EnvSecretKey  = "RUNPOD_S3_SECRET_ACCESS_KEY" // "rps_..."
	EnvEndpoint   = "RUNPOD_S3_ENDPOINT_URL"      // another address than the data centre's
)

// FromEnv is the Config of the network volume that the environment names, or, for
// variables that are not set there, the file .env in the working directory. ok is
// false where they name no volume or no key: its data go as jobs then.
//
// An address of the file's choosing never gets the keys of the environment.
func FromEnv() (c Config, ok bool, err error) { return fromEnv(".env") }

func fromEnv(path string) (c Config, ok bool, err error) {
	file, err := godotenv.Read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		// The parser's error quotes the line, which may be that of the key.
		return c, false, fmt.Errorf("s3: %w: %s is not a list of NAME=value lines", runpod.ErrInvalid, path)
	}
	get := func(name string) string { return cmp.Or(os.Getenv(name), file[name]) }
	volume, center, access, secret := get(EnvVolumeID), get(EnvDataCenter), get(EnvAccessKey), get(EnvSecretKey)
	if volume == "" || access == "" || secret == "" {
		return c, false, nil
	}
	address := get(EnvEndpoint)
	if address == "" && !validCenter(center) {
		return c, false, fmt.Errorf("s3: %w: %s is %.40q; the data centre of the volume is wanted, as EU-RO-1", runpod.ErrInvalid, EnvDataCenter, center)
	}
	c = Volume(center, volume, access, runpod.Secret(secret))
	if address != "" {
		if os.Getenv(EnvSecretKey) != "" && os.Getenv(EnvEndpoint) == "" {
			return c, false, fmt.Errorf("s3: %w: %s sends the key of the environment to an address of its own; set %s in the environment too if that is meant", runpod.ErrInvalid, path, EnvEndpoint)
		}
		c.Endpoint = address
	}
	return c, true, nil
}

// validCenter keeps what becomes a part of a host's name to letters, digits and dashes.
func validCenter(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return s != "" && len(s) < 40
}
