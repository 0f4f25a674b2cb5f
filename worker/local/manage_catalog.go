package local

import (
	"net/http"
	"net/url"
	"slices"
)

// A gpuType is a card of the catalogue. Prices are RunPod's published serverless
// rates of 2026-06-08, in US dollars an hour.
type gpuType struct {
	ID           string             `json:"id"`
	Name         string             `json:"name"`
	Pool         string             `json:"pool"`
	Manufacturer string             `json:"manufacturer"`
	Memory       int                `json:"memory"` // GB
	Secure       bool               `json:"secure"`
	Community    bool               `json:"community"`
	Price        map[string]float64 `json:"price"`
	MaxCount     int                `json:"maxCount"`
	Availability string             `json:"availability,omitempty"`
	DataCenters  []string           `json:"dataCenters,omitempty"`
	CUDAVersions []string           `json:"cudaVersions,omitempty"`
}

func card(id, name, pool string, memory int, hourly float64) gpuType {
	return gpuType{ID: id, Name: name, Pool: pool, Manufacturer: "Nvidia", Memory: memory, Secure: true, MaxCount: 8,
		Price: map[string]float64{"serverless": hourly}, DataCenters: []string{"LOCAL-1"}, CUDAVersions: []string{"12.4", "12.8"}}
}

// gpus is the catalogue; it is not changed.
var gpus = []gpuType{
	card("NVIDIA RTX A4000", "RTX A4000", "AMPERE_16", 16, 0.576),
	card("NVIDIA L4", "L4", "AMPERE_24", 24, 0.684),
	card("NVIDIA RTX A5000", "RTX A5000", "AMPERE_24", 24, 0.684),
	card("NVIDIA GeForce RTX 4090", "RTX 4090", "ADA_24", 24, 1.116),
	card("NVIDIA RTX A6000", "RTX A6000", "AMPERE_48", 48, 1.224),
	card("NVIDIA A40", "A40", "AMPERE_48", 48, 1.224),
	card("NVIDIA L40S", "L40S", "ADA_48_PRO", 48, 1.908),
	card("NVIDIA A100 80GB PCIe", "A100", "AMPERE_80", 80, 2.736),
	card("NVIDIA H100 80GB HBM3", "H100", "ADA_80_PRO", 80, 4.176),
	card("NVIDIA RTX PRO 6000", "RTX PRO 6000", "BLACKWELL_96", 96, 3.996),
	card("NVIDIA H200", "H200", "HOPPER_141", 141, 5.580),
	card("NVIDIA B200", "B200", "BLACKWELL_180", 180, 8.640),
}

// priceOf returns what a worker costs an hour: the first pool's card, times the count.
func priceOf(g *gpuSpec) float64 {
	if g == nil || len(g.Pools) == 0 {
		return 0
	}
	i := slices.IndexFunc(gpus, func(t gpuType) bool { return t.Pool == g.Pools[0] })
	if i < 0 {
		return 0
	}
	return gpus[i].Price["serverless"] * float64(max(g.Count, 1))
}

func (s *Server) catalog(r *http.Request, parts []string) (int, any, error) {
	if r.Method != http.MethodGet {
		return 0, nil, newProblem(http.StatusMethodNotAllowed, "method not allowed")
	}
	switch {
	case len(parts) >= 1 && parts[0] == "gpus" && len(parts) <= 2:
		all, err := s.gpuList(r.URL.Query())
		if err != nil || len(parts) == 1 {
			return http.StatusOK, map[string]any{"gpus": all}, err
		}
		if i := slices.IndexFunc(all, func(g gpuType) bool { return g.ID == parts[1] }); i >= 0 {
			return http.StatusOK, all[i], nil
		}
	case len(parts) == 1 && parts[0] == "datacenters":
		return http.StatusOK, map[string]any{"dataCenters": []map[string]string{{"id": "LOCAL-1", "name": "this machine"}}}, nil
	}
	return 0, nil, errNotFound
}

// gpuList returns the catalogue, with what is to be had where that is asked for.
func (s *Server) gpuList(query url.Values) ([]gpuType, error) {
	all := slices.Clone(gpus)
	if !slices.Contains(query["include"], "AVAILABILITY") {
		return all, nil
	}
	if query.Get("product") != "SERVERLESS" {
		return nil, newProblem(http.StatusBadRequest, "include=AVAILABILITY needs product=SERVERLESS")
	}
	stock := "HIGH"
	if s.ep.q.throttled() {
		stock = "NONE"
	}
	for i := range all {
		all[i].Availability = stock
	}
	return all, nil
}
