package place

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/settings"
)

// The variables that name the embedded endpoint, which is an endpoint on this machine with
// RunPod's API. The notebook kernel and the command line set them for the programs that
// they start.
const (
	EnvLocalURL = settings.EnvLocalURL // "http://127.0.0.1:4321"
	EnvLocalKey = "GOPHERPOD_LOCAL_KEY"
)

// localID is the embedded endpoint's id.
const localID = "local"

// ErrNoEndpoint means that the environment names neither an endpoint of RunPod nor an
// embedded one.
var ErrNoEndpoint = errors.New("there is no endpoint: set RUNPOD_ENDPOINT_ID and RUNPOD_API_KEY, or start one on this machine with gopherpod local")

// A Place is an endpoint and facts about it.
type Place struct {
	*runpod.Endpoint
	// Embedded reports whether it is the embedded endpoint.
	Embedded bool
	// Managed reports whether RunPod's management API knows the endpoint.
	Managed bool
	// Missing is set if only one of RUNPOD_ENDPOINT_ID and RUNPOD_API_KEY is, so that the
	// embedded endpoint is used: it names the other one. That is likely a mistake.
	Missing string
}

// Endpoint returns the endpoint that the environment names; see Locate.
func Endpoint() (*runpod.Endpoint, error) {
	p, err := Locate()
	return p.Endpoint, err
}

// EndpointOr returns e, or what Endpoint returns if e is nil.
func EndpointOr(e *runpod.Endpoint) (*runpod.Endpoint, error) {
	if e != nil {
		return e, nil
	}
	return Endpoint()
}

// Locate finds the endpoint to use: the one of RUNPOD_ENDPOINT_ID and RUNPOD_API_KEY,
// which package settings looks up, else the embedded one. Nothing is sent.
func Locate() (Place, error) { return LocateID("") }

// LocateID is Locate for the endpoint with that id instead of RUNPOD_ENDPOINT_ID. The id
// "local" is the embedded endpoint; an empty id makes it Locate.
func LocateID(id runpod.EndpointID) (Place, error) {
	config, err := runpod.FromEnv()
	if err != nil {
		return Place{}, err
	}
	if id == localID && config.BaseURL == "" {
		return embedded("")
	}
	if id != "" {
		config.EndpointID = id
	}
	own := config.BaseURL != "" // an endpoint of another service, which may need no key
	if config.EndpointID != "" && (config.APIKey != "" || own) {
		client, err := clients.of(config)
		if err != nil {
			return Place{}, err
		}
		managed := config.APIKey != "" && (!own || config.ManagementURL != "")
		return Place{Endpoint: client.Endpoint(config.EndpointID), Managed: managed}, nil
	}
	missing := ""
	switch {
	case config.EndpointID != "":
		missing = runpod.EnvAPIKey
	case config.APIKey != "":
		missing = runpod.EnvEndpointID
	}
	return embedded(missing)
}

// LocateRun returns the endpoint that a run of the store was sent to. If that was the
// embedded endpoint of a kernel that has exited, it may have outlived the kernel. LocateRun
// does not check that; an endpoint that is gone will not answer.
func LocateRun(r runs.Run) (Place, error) {
	if r.Address == "" || settings.IsLocal(r.Address) {
		return LocateID(runpod.EndpointID(r.Endpoint))
	}
	key, err := runs.KeyOf(r.Address)
	if err != nil || key == "" {
		return LocateID(runpod.EndpointID(r.Endpoint))
	}
	client, err := clients.of(runpod.Config{BaseURL: r.Address, APIKey: runpod.Secret(key)})
	if err != nil {
		return Place{}, err
	}
	return Place{Endpoint: client.Endpoint(localID), Embedded: true}, nil
}

func embedded(missing string) (Place, error) {
	address := settings.Inherited(EnvLocalURL)
	if address == "" {
		if missing != "" {
			return Place{}, fmt.Errorf("%w (%s is not set)", ErrNoEndpoint, missing)
		}
		return Place{}, ErrNoEndpoint
	}
	if u, err := url.Parse(address); err == nil && strings.Trim(u.Path, "/") == "" {
		address = strings.TrimRight(address, "/") + "/v2"
	}
	client, err := clients.of(runpod.Config{BaseURL: address, APIKey: runpod.Secret(settings.Inherited(EnvLocalKey))})
	if err != nil {
		return Place{}, err
	}
	return Place{Endpoint: client.Endpoint(localID), Embedded: true, Missing: missing}, nil
}

// clients are the clients of the process. They are shared because the service counts
// requests by endpoint and key: two cells, or a cell and a run that is watched at the same
// time, must keep to one limit. (The package's only mutable global.)
var clients clientCache

// A clientCache keeps one client for each service and key, and what its endpoints cost.
type clientCache struct {
	mu    sync.Mutex
	all   map[clientKey]*runpod.Client
	rates map[endpointKey]datedRate
}

type endpointKey struct {
	client *runpod.Client
	id     runpod.EndpointID
}

type datedRate struct {
	Rate
	at time.Time
}

type clientKey struct {
	base, management string
	key              runpod.Secret
}

// maxClients bounds the cache; a process has one or two services.
const maxClients = 32

func (c *clientCache) of(config runpod.Config) (*runpod.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := clientKey{config.BaseURL, config.ManagementURL, config.APIKey}
	if client, ok := c.all[k]; ok {
		return client, nil
	}
	client, err := runpod.New(config)
	if err != nil {
		return nil, err
	}
	if c.all == nil || len(c.all) >= maxClients {
		c.all = map[clientKey]*runpod.Client{}
	}
	c.all[k] = client
	return client, nil
}
