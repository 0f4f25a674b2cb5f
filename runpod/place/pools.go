package place

import (
	"context"
	"strconv"
	"strings"

	"github.com/gopherpod/gopherpod/runpod"
)

// An Offer is a kind of GPU that a worker could have, with its price.
type Offer struct {
	Rate
	Memory float64 // GB of one GPU
}

// Offers returns what a worker of the place would cost on each kind of GPU, with as many GPUs,
// and the start and idle time of like. Prices are those of the catalogue, else of
// runpod.ListedPrice.
func Offers(ctx context.Context, place Place, like Rate) []Offer {
	var list []Offer
	add := func(pool string, hourly, memory float64, source string) {
		r := like
		r.Pool, r.Hourly, r.Source = pool, hourly, source
		list = append(list, Offer{r, memory})
	}
	if place.Managed {
		ctx, cancel := context.WithTimeout(ctx, rateTimeout)
		defer cancel()
		if gpus, err := place.Client().Management().GPUs(ctx, runpod.GPUQuery{}); err == nil {
			for _, p := range runpod.Pools(gpus) {
				add(p.ID, p.Hourly, p.Memory, "catalogue")
			}
			return list
		}
	}
	for _, pool := range Pools() {
		hourly, _ := runpod.ListedPrice(pool)
		add(pool, hourly, memoryOf(pool), "table of "+runpod.PricesAsOf)
	}
	return list
}

// memoryOf returns the GB of a pool's GPU, which are part of its name: 24 of "ADA_24".
func memoryOf(pool string) float64 {
	for part := range strings.SplitSeq(pool, "_") {
		if gb, err := strconv.ParseFloat(part, 64); err == nil {
			return gb
		}
	}
	return 0
}
