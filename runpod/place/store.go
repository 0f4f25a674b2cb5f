package place

import (
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/settings"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/runpod/store/s3"
)

// EnvLocalStore names a folder that the embedded endpoint's workers read data from:
// clients on the same machine put data there instead of into requests. EnvSharedStore
// names the folder of an endpoint that gopherpod local --store started. There are two
// variables because a kernel or a command may have an embedded endpoint at the same time.
const (
	EnvLocalStore  = "GOPHERPOD_LOCAL_STORE"
	EnvSharedStore = "GOPHERPOD_SHARED_STORE"
)

// StoreOf returns the store that the environment names for an endpoint, from which the
// endpoint's workers read data, or nil if it names none.
func StoreOf(e *runpod.Endpoint) (store.Store, error) {
	if e == nil || e.Client() == nil {
		return nil, nil
	}
	base := e.Client().BaseURL()
	if e.Client().Local() {
		name := EnvSharedStore
		if settings.IsLocal(base) {
			name = EnvLocalStore
		}
		if dir := settings.Inherited(name); dir != "" {
			return store.Dir(dir), nil
		}
		return nil, nil // its workers have no network volume, and need no bucket
	}
	config, ok, err := s3.FromEnv()
	if err != nil {
		return nil, err
	}
	if ok {
		return s3.New(config)
	}
	if config, ok, err = s3.BucketFromEnv(); err != nil || !ok {
		return nil, err
	}
	bucket, err := s3.New(config)
	return s3.Signed{Bucket: bucket}, err
}
