package local

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A gpuType is a GPU in the catalog. Serverless prices are RunPod's published
// rates of 2026-06-08, in US dollars per hour.
type gpuType struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Pool         string    `json:"pool"`
	Manufacturer string    `json:"manufacturer"`
	Memory       int       `json:"memory"` // GB
	Secure       bool      `json:"secure"`
	Community    bool      `json:"community"`
	Price        gpuPrices `json:"price"`
	MaxCount     gpuCounts `json:"maxCount"`

	// These are set for include=AVAILABILITY.
	Availability string             `json:"availability,omitempty"`
	DataCenters  []resourceAt       `json:"dataCenters,omitempty"`
	CUDAVersions []cudaAvailability `json:"cudaVersions,omitempty"`
}

// gpuPrices are US dollars per hour. There are no pods here, and RunPod publishes no table of their
// prices: Secure is the same as Serverless.
type gpuPrices struct {
	Secure     float64 `json:"secure"`
	Community  float64 `json:"community"`
	Serverless float64 `json:"serverless"`
}

// gpuCounts are how many GPUs one machine has.
type gpuCounts struct {
	Secure    int `json:"secure"`
	Community int `json:"community"`
}

// A resourceAt is how likely a GPU is available in a data center.
type resourceAt struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Availability string `json:"availability"`
}

type cudaAvailability struct {
	Version   string `json:"version"`
	Available bool   `json:"available"`
}

func card(id, name, pool string, memory int, hourly float64) gpuType {
	return gpuType{ID: id, Name: name, Pool: pool, Manufacturer: "NVIDIA", Memory: memory, Secure: true,
		MaxCount: gpuCounts{Secure: 8}, Price: gpuPrices{Secure: hourly, Serverless: hourly}}
}

// cudaHere are the CUDA versions that workers may ask for.
var cudaHere = []string{"12.4", "12.8", "13.0"}

// gpus is the catalog; it is never changed.
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

// localDC is where the workers of this machine are.
const localDC = "LOCAL-1"

// dataCenters maps ids to names: this machine, and those data centers of RunPod that offer network
// volumes over S3, so that a deployment can be tried with its real ids. Every data center has every
// GPU.
//
// Source: docs.runpod.io, storage, S3 API, as of 2026-11-23.
var dataCenters = map[string]string{
	localDC:    "this machine",
	"EU-CZ-1":  "EU Czechia 1",
	"EU-RO-1":  "EU Romania 1",
	"EUR-IS-1": "Europe Iceland 1",
	"EUR-NO-1": "Europe Norway 1",
	"US-CA-2":  "US California 2",
	"US-GA-2":  "US Georgia 2",
	"US-IL-1":  "US Illinois 1",
	"US-KS-2":  "US Kansas 2",
	"US-MD-1":  "US Maryland 1",
	"US-MO-1":  "US Missouri 1",
	"US-MO-2":  "US Missouri 2",
	"US-NC-1":  "US North Carolina 1",
	"US-NC-2":  "US North Carolina 2",
	"US-NE-1":  "US Nebraska 1",
	"US-WA-1":  "US Washington 1",
}

// A dataCenter is a data center in the form of the service's answers.
type dataCenter struct {
	ID                 string       `json:"id"`
	Name               string       `json:"name"`
	Region             string       `json:"region"`
	NetworkVolumeTypes []string     `json:"networkVolumeTypes"`
	Compliance         []string     `json:"compliance"`
	GlobalNetwork      bool         `json:"globalNetwork"`
	GPUAvailability    []resourceAt `json:"gpuAvailability,omitempty"`
	CPUAvailability    []resourceAt `json:"cpuAvailability,omitempty"`
}

// priceOf returns what a worker costs per hour: the price of the first pool's GPU,
// times the count.
func priceOf(g *gpuSpec) float64 {
	if g == nil || len(g.Pools) == 0 {
		return 0
	}
	i := slices.IndexFunc(gpus, func(t gpuType) bool { return t.Pool == g.Pools[0] })
	if i < 0 {
		return 0
	}
	return gpus[i].Price.Serverless * float64(max(value0(g.Count, 1), 1))
}

func (s *Server) catalog(r *http.Request, parts []string) (int, any, error) {
	if r.Method != http.MethodGet {
		return 0, nil, newProblem(http.StatusMethodNotAllowed, "method not allowed")
	}
	if len(parts) == 0 || len(parts) > 2 {
		return 0, nil, errNotFound
	}
	switch parts[0] {
	case "gpus":
		all, err := s.gpuList(r.URL.Query())
		if err != nil || len(parts) == 1 {
			return http.StatusOK, map[string]any{"gpus": all}, err
		}
		if i := slices.IndexFunc(all, func(g gpuType) bool { return g.ID == parts[1] }); i >= 0 {
			return http.StatusOK, all[i], nil
		}
	case "cpus":
		all, err := s.cpuList(r.URL.Query())
		if err != nil || len(parts) == 1 {
			return http.StatusOK, map[string]any{"cpus": all}, err
		}
		if i := slices.IndexFunc(all, func(c cpuType) bool { return c.ID == parts[1] }); i >= 0 {
			return http.StatusOK, all[i], nil
		}
	case "templates": // public templates, of which this machine has none
		if len(parts) == 1 {
			_, err := listOf(r.URL.Query(), "source", "official|verified|community")
			return http.StatusOK, map[string]any{"templates": []any{}}, err
		}
	case "datacenters":
		all, err := s.dataCenterList(r.URL.Query())
		if err != nil || len(parts) == 1 {
			return http.StatusOK, map[string]any{"dataCenters": all}, err
		}
		if i := slices.IndexFunc(all, func(d dataCenter) bool { return d.ID == parts[1] }); i >= 0 {
			return http.StatusOK, all[i], nil
		}
	}
	return 0, nil, errNotFound
}

// listOf reads a query parameter that is a comma-separated list. Each item must match
// pattern.
func listOf(query url.Values, name, pattern string) ([]string, error) {
	text := query.Get(name)
	if text == "" {
		return nil, nil
	}
	list := strings.Split(text, ",")
	for _, item := range list {
		if ok, err := regexp.MatchString("^("+pattern+")$", item); err != nil || !ok {
			return nil, newProblem(http.StatusBadRequest, "%s: want a match of %s, got %.100q", name, pattern, item)
		}
	}
	return list, nil
}

// stock returns how likely a GPU is available on this machine.
func (s *Server) stock() string {
	if s.ep.q.throttled() {
		return "NONE"
	}
	return "HIGH"
}

// gpuList returns the catalog, with availability if the query asks for it.
func (s *Server) gpuList(query url.Values) ([]gpuType, error) {
	include, err := listOf(query, "include", "AVAILABILITY")
	product, err2 := listOf(query, "product", "POD|CLUSTER|SERVERLESS")
	allowed, err3 := listOf(query, "cudaVersions", `\d+\.\d+`)
	least, err4 := listOf(query, "minCudaVersion", `\d+(\.\d+)?`)
	cloud, err5 := listOf(query, "cloud", "SECURE|COMMUNITY")
	countries, err6 := listOf(query, "countryCodes", "[A-Z]{2}")
	if err := cmp.Or(err, err2, err3, err4, err5, err6); err != nil {
		return nil, err
	}
	count, err := strconv.Atoi(cmp.Or(query.Get("count"), "1"))
	if err != nil || count < 1 {
		return nil, newProblem(http.StatusBadRequest, "count: want 1 or more, got %.100q", query.Get("count"))
	}
	if include != nil && product == nil {
		return nil, newProblem(http.StatusBadRequest, "include=AVAILABILITY needs a product")
	}
	all := []gpuType{}
	stock := s.stock()
	for _, g := range gpus {
		if most := g.MaxCount.Secure; count > most || slices.Contains(cloud, "COMMUNITY") && !g.Community {
			continue
		}
		if include != nil {
			g.Availability = stock
			if countries != nil { // this machine is in no country
				g.Availability = "NONE"
			}
			for _, id := range slices.Sorted(maps.Keys(dataCenters)) {
				g.DataCenters = append(g.DataCenters, resourceAt{id, dataCenters[id], g.Availability})
			}
			for _, v := range cudaHere {
				ok := (allowed == nil || slices.Contains(allowed, v)) && (least == nil || compareVersions(v, least[0]) >= 0)
				g.CUDAVersions = append(g.CUDAVersions, cudaAvailability{v, ok})
			}
		}
		all = append(all, g)
	}
	return all, nil
}

// compareVersions compares versions such as 12.8 number by number.
func compareVersions(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		m, _ := strconv.Atoi(x) // both match a pattern of digits
		n, _ := strconv.Atoi(y)
		return cmp.Compare(m, n)
	})
}

// regions maps the first part of a data center's id to its region.
var regions = map[string]string{"US": "NORTH_AMERICA", "EU": "EUROPE", "EUR": "EUROPE"}

func (s *Server) dataCenterList(query url.Values) ([]dataCenter, error) {
	include, err := listOf(query, "include", "GPU_AVAILABILITY|CPU_AVAILABILITY")
	regionsWanted, err2 := listOf(query, "regions", "[A-Z_]+")
	volumes, err3 := listOf(query, "networkVolumeTypes", "STANDARD|HIGH_PERFORMANCE")
	compliance, err4 := listOf(query, "compliance", "[A-Z0-9_]+")
	global, err5 := listOf(query, "globalNetwork", "true|false")
	if err := cmp.Or(err, err2, err3, err4, err5); err != nil {
		return nil, err
	}
	all := []dataCenter{}
	for _, id := range slices.Sorted(maps.Keys(dataCenters)) {
		region, _, _ := strings.Cut(id, "-")
		d := dataCenter{ID: id, Name: dataCenters[id], Region: cmp.Or(regions[region], "UNKNOWN"), NetworkVolumeTypes: []string{"STANDARD", "HIGH_PERFORMANCE"}, Compliance: []string{}}
		if regionsWanted != nil && !slices.Contains(regionsWanted, d.Region) || compliance != nil || slices.Contains(global, "true") ||
			volumes != nil && !slices.ContainsFunc(volumes, func(v string) bool { return slices.Contains(d.NetworkVolumeTypes, v) }) {
			continue // no data center here has a certificate or the global network
		}
		if slices.Contains(include, "CPU_AVAILABILITY") {
			for _, c := range cpus {
				d.CPUAvailability = append(d.CPUAvailability, resourceAt{c.ID, c.Name, s.stock()})
			}
		}
		if slices.Contains(include, "GPU_AVAILABILITY") {
			for _, g := range gpus {
				d.GPUAvailability = append(d.GPUAvailability, resourceAt{g.ID, g.Name, s.stock()})
			}
		}
		all = append(all, d)
	}
	return all, nil
}
