package train

import (
	"context"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/transfer"
)

// A Place is an endpoint and facts about it; see package place.
type Place = place.Place

// A Rate is what a worker costs; see package place.
type Rate = place.Rate

// The variables that name the embedded endpoint and where it keeps data.
const (
	EnvLocalURL    = place.EnvLocalURL
	EnvLocalKey    = place.EnvLocalKey
	EnvLocalStore  = place.EnvLocalStore
	EnvSharedStore = place.EnvSharedStore
)

// ErrNoEndpoint is place.ErrNoEndpoint.
var ErrNoEndpoint = place.ErrNoEndpoint

// WithLog is transfer.WithLog: it returns a context whose transfers call log with a line for
// each array that does not travel inside its request. Fit reports these lines as events too.
func WithLog(ctx context.Context, log func(line string)) context.Context {
	return transfer.WithLog(ctx, log)
}

// Endpoint is place.Endpoint: the endpoint that the environment names.
func Endpoint() (*runpod.Endpoint, error) { return place.Endpoint() }

// Locate is place.Locate.
func Locate() (Place, error) { return place.Locate() }

// LocateID is place.LocateID.
func LocateID(id runpod.EndpointID) (Place, error) { return place.LocateID(id) }

// LocateRun is place.LocateRun.
func LocateRun(r runs.Run) (Place, error) { return place.LocateRun(r) }

// FindRate is place.FindRate.
func FindRate(ctx context.Context, p Place, gpu string) (Rate, error) {
	return place.FindRate(ctx, p, gpu)
}

// Offers is place.Offers.
func Offers(ctx context.Context, p Place, like Rate) []place.Offer { return place.Offers(ctx, p, like) }

// Pools is place.Pools.
func Pools() []string { return place.Pools() }
