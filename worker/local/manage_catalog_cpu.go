package local

import (
	"maps"
	"math/bits"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// A cpuType is a kind of CPU in the catalog.
type cpuType struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Group        string    `json:"group"`
	VCPU         cpuCounts `json:"vcpu"`
	RAMPerVCPU   float64   `json:"ramGbPerVcpu"`
	Price        cpuPrices `json:"price"`
	Availability string    `json:"availability,omitempty"` // for include=AVAILABILITY, as the next

	DataCenters []resourceAt `json:"dataCenters,omitempty"`
}

type cpuCounts struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

// cpuPrices are US dollars per hour.
type cpuPrices struct {
	Secure     float64 `json:"securePerVcpu"`
	Serverless float64 `json:"serverlessPerVcpu"`
}

// cpus is the catalog; it is never changed. All have the prices of the example in RunPod's
// OpenAPI document.
var cpus = []cpuType{
	cpuKind("cpu3c", "Compute-Optimized", "Gen 3", 2), cpuKind("cpu3g", "General Purpose", "Gen 3", 4), cpuKind("cpu3m", "Memory-Optimized", "Gen 3", 8),
	cpuKind("cpu5c", "Compute-Optimized", "Gen 5", 2), cpuKind("cpu5g", "General Purpose", "Gen 5", 4), cpuKind("cpu5m", "Memory-Optimized", "Gen 5", 8),
}

func cpuKind(id, name, group string, ram float64) cpuType {
	return cpuType{ID: id, Name: name, Group: group, VCPU: cpuCounts{2, 32}, RAMPerVCPU: ram, Price: cpuPrices{Secure: 0.04, Serverless: 0.03}}
}

// cpuOf returns the kind with that id.
func cpuOf(id string) (cpuType, bool) {
	i := slices.IndexFunc(cpus, func(c cpuType) bool { return c.ID == id })
	if i < 0 {
		return cpuType{}, false
	}
	return cpus[i], true
}

// cpuList returns the catalog, with availability if the query asks for it.
func (s *Server) cpuList(query url.Values) ([]cpuType, error) {
	include, err := listOf(query, "include", "AVAILABILITY")
	if err != nil {
		return nil, err
	}
	product, err := listOf(query, "product", "POD|SERVERLESS")
	if err != nil {
		return nil, err
	}
	if include != nil && product == nil {
		return nil, newProblem(http.StatusBadRequest, "include=AVAILABILITY needs a product")
	}
	count := 2
	if text := query.Get("vcpuCount"); text != "" {
		if count, err = strconv.Atoi(text); err != nil || count < 2 || bits.OnesCount(uint(count)) != 1 {
			return nil, newProblem(http.StatusBadRequest, "vcpuCount: want a power of 2 that is 2 or more, got %.100q", text)
		}
	}
	all := []cpuType{}
	for _, c := range cpus {
		if count > c.VCPU.Max {
			continue
		}
		if include != nil {
			c.Availability = s.stock()
			for _, id := range slices.Sorted(maps.Keys(dataCenters)) {
				c.DataCenters = append(c.DataCenters, resourceAt{id, dataCenters[id], c.Availability})
			}
		}
		all = append(all, c)
	}
	return all, nil
}
