package runpod

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Stock is how likely a GPU is available.
type Stock string

// The values of GPU.Availability.
const (
	StockNone   Stock = "NONE"
	StockLow    Stock = "LOW"
	StockMedium Stock = "MEDIUM"
	StockHigh   Stock = "HIGH"
)

// rank returns a number to order stocks by. Unknown values rank below StockNone.
func (s Stock) rank() int {
	return slices.Index([]Stock{StockNone, StockLow, StockMedium, StockHigh}, s)
}

// A GPU is a kind of card.
type GPU struct {
	ID           string  `json:"id"` // "NVIDIA GeForce RTX 4090"
	Name         string  `json:"name"`
	Pool         string  `json:"pool"` // "ADA_24"
	Manufacturer string  `json:"manufacturer"`
	Memory       float64 `json:"memory"` // GB
	// Secure and Community report which clouds have the card; MaxCount is how many a machine
	// has there.
	Secure    bool `json:"secure"`
	Community bool `json:"community"`
	MaxCount  struct {
		Secure    int `json:"secure"`
		Community int `json:"community"`
	} `json:"maxCount"`
	Price struct { // US dollars per hour for one GPU
		Secure     float64 `json:"secure"` // of a pod
		Community  float64 `json:"community"`
		Serverless float64 `json:"serverless"` // 0 if workers cannot have the card
	} `json:"price"`
	// The following fields are filled in if GPUQuery.Stock is set.
	Availability Stock     `json:"availability"`
	DataCenters  []StockAt `json:"dataCenters"`
	CUDAVersions []struct {
		Version   string `json:"version"`
		Available bool   `json:"available"`
	} `json:"cudaVersions"`
}

// A StockAt is how likely a card is available in a data center.
type StockAt struct {
	ID           string `json:"id"` // "EU-RO-1"
	Name         string `json:"name"`
	Availability Stock  `json:"availability"`
}

// A GPUQuery narrows the catalogue. Its zero value is all of it.
type GPUQuery struct {
	Stock          bool     // fill in Availability, for serverless
	Count          int      // GPUs in one worker
	MinCUDAVersion string   // "12.4"
	CountryCodes   []string // "DE"
}

// GPUs lists the catalogue.
//
// Source: docs.runpod.io, API reference (v2), catalog/gpus.
func (m *Management) GPUs(ctx context.Context, q GPUQuery) ([]GPU, error) {
	v := url.Values{}
	if q.Stock {
		v.Set("include", "AVAILABILITY")
		v.Set("product", "SERVERLESS") // the service refuses the one without the other
	}
	if q.Count > 0 {
		v.Set("count", strconv.Itoa(q.Count))
	}
	if q.MinCUDAVersion != "" {
		v.Set("minCudaVersion", q.MinCUDAVersion)
	}
	if len(q.CountryCodes) > 0 {
		v.Set("countryCodes", strings.Join(q.CountryCodes, ","))
	}
	return list[GPU](ctx, m, "gpus", v, "catalog", "gpus")
}

// A Pool is a group of cards with similar memory. Workers get their GPUs from pools.
type Pool struct {
	ID     string
	GPUs   []GPU
	Memory float64 // GB of the smallest card
	Hourly float64 // US dollars per hour for one GPU of the dearest card
	Stock  Stock   // stock of the card with the best stock
}

// Pools groups the GPUs that have a price, the cheapest pool first. If prices are equal, the
// one with the best stock comes first.
func Pools(gpus []GPU) []Pool {
	byID := map[string]*Pool{}
	for _, g := range gpus {
		if g.Pool == "" || g.Price.Serverless <= 0 {
			continue
		}
		p := byID[g.Pool]
		if p == nil {
			p = &Pool{ID: g.Pool, Memory: g.Memory}
			byID[g.Pool] = p
		}
		p.GPUs = append(p.GPUs, g)
		p.Memory, p.Hourly = min(p.Memory, g.Memory), max(p.Hourly, g.Price.Serverless)
		if p.Stock == "" || g.Availability.rank() > p.Stock.rank() {
			p.Stock = g.Availability
		}
	}
	var out []Pool
	for _, p := range byID {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b Pool) int {
		return cmp.Or(cmp.Compare(a.Hourly, b.Hourly), cmp.Compare(b.Stock.rank(), a.Stock.rank()), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// PricesAsOf is the date of ListedPrice.
const PricesAsOf = "2026-06-08"

// ListedPrice returns the price of a pool's GPU, in US dollars per hour, from RunPod's table as
// of PricesAsOf. It is for estimates when the catalogue does not answer.
//
// Source: docs.runpod.io, Serverless, "Pricing".
func ListedPrice(pool string) (hourly float64, ok bool) {
	perSecond, ok := map[string]float64{
		"AMPERE_16": 0.00016, "AMPERE_24": 0.00019, "ADA_24": 0.00031, "AMPERE_48": 0.00034, "ADA_48_PRO": 0.00053,
		"AMPERE_80": 0.00076, "ADA_80_PRO": 0.00116, "BLACKWELL_96": 0.00111, "HOPPER_141": 0.00155, "BLACKWELL_180": 0.00240,
	}[pool]
	return perSecond * 3600, ok
}

// Estimate returns what a job costs at least, in US dollars: its execution time, in whole
// seconds, on that many GPUs. RunPod also bills a worker's start and its idle timeout.
func Estimate(execution time.Duration, hourly float64, gpus int) float64 {
	seconds := float64((execution + time.Second - 1) / time.Second)
	return seconds * hourly / 3600 * float64(max(gpus, 1))
}
