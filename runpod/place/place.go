package place

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/settings"
)

// The variables that name the embedded endpoint: an endpoint on this machine
// under RunPod's API. Whoever starts one, the notebook kernel or the command line,
// sets them for the programs that it starts.
const (
	EnvLocalURL = settings.EnvLocalURL // "http://127.0.0.1:4321"
	EnvLocalKey = "GOPHERPOD_LOCAL_KEY"
)

// localID is the embedded endpoint's id.
const localID = "local"

// ErrNoEndpoint: the environment names neither an endpoint of RunPod nor an
// embedded one.
var ErrNoEndpoint = errors.New("there is no endpoint: set RUNPOD_ENDPOINT_ID and RUNPOD_API_KEY, or start one on this machine with gopherpod local")

// A Place is an endpoint and what it is.
type Place struct {
	*runpod.Endpoint
	// Embedded tells that it is the one on this machine.
	Embedded bool
	// Managed tells that RunPod's management API knows the endpoint.
	Managed bool
	// Missing names the variable for want of which it is the embedded one, where
	// the other one is set: a sign of a mistake.
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

// LocateID is Locate for another endpoint than that of RUNPOD_ENDPOINT_ID; the id
// "local" is the embedded one.
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
	own := config.BaseURL != "" // an endpoint elsewhere, which may want no key
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

// LocateRun is where a run of the store was sent: its endpoint, or, where that was a
// kernel's that has gone, what outlived the kernel. An endpoint that has ended too is not
// told apart here; it answers nothing.
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

// clients are those of the process. They are shared because the service counts
// requests by endpoint and key and not by cell: two cells, or a cell and a run that is
// watched beside it, keep to one limit. It is the package's one variable that changes.
var clients clientCache

// A clientCache keeps one client for each service and key.
type clientCache struct {
	mu  sync.Mutex
	all map[clientKey]*runpod.Client
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
