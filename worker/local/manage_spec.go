package local

import (
	"encoding/json"
	"math/bits"
	"regexp"
	"slices"
	"time"
)

// An endpointSpec is the body of a request that creates an endpoint.
type endpointSpec struct {
	Name string `json:"name"`
	Type string `json:"type"`
	containerSpec
	TemplateID string       `json:"templateId,omitempty"`
	Scaling    *scalingSpec `json:"scaling,omitempty"`
	GPU        *gpuSpec     `json:"gpu,omitempty"`
	CPU        []cpuSpec    `json:"cpu,omitempty"`
	Workers    *workersSpec `json:"workers,omitempty"`

	DataCenterIDs  []string `json:"dataCenterIds,omitempty"`
	NetworkVolumes []string `json:"networkVolumes,omitempty"`
	Timeout        int64    `json:"timeout"` // ms; 0: no timeout, as on the service
	FlashBoot      string   `json:"flashboot,omitempty"`
}

type scalingSpec struct {
	Type         string  `json:"type"`
	QueueDelay   float64 `json:"queueDelay,omitempty"` // s
	RequestCount int     `json:"requestCount,omitempty"`
}

type gpuSpec struct {
	Pools               []string `json:"pools,omitempty"`
	ExcludedTypes       []string `json:"excludedTypes,omitempty"`
	Count               *int     `json:"count,omitempty"`
	AllowedCUDAVersions []string `json:"allowedCudaVersions,omitempty"`
	MinCUDAVersion      string   `json:"minCudaVersion,omitempty"`
}

type cpuSpec struct {
	ID        string `json:"id"`
	VCPUCount int    `json:"vcpuCount"`
}

// A gpuAnswer is a gpuSpec in the form of the service's answers.
type gpuAnswer struct {
	gpuSpec
	AllowedCUDAVersions []string `json:"allowedCudaVersions"`
	MinCUDAVersion      *string  `json:"minCudaVersion"`
}

func (g *gpuSpec) answer() *gpuAnswer {
	if g == nil {
		return nil
	}
	a := &gpuAnswer{gpuSpec: *g, AllowedCUDAVersions: orEmpty(g.AllowedCUDAVersions)}
	if g.MinCUDAVersion != "" {
		a.MinCUDAVersion = &g.MinCUDAVersion
	}
	return a
}

// A cpuAnswer is a cpuSpec in the form of the service's answers.
type cpuAnswer struct {
	cpuSpec
	Memory int `json:"memory"` // GB
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

type workersSpec struct {
	Min         *int `json:"min,omitempty"`
	Max         *int `json:"max,omitempty"`
	IdleTimeout *int `json:"idleTimeout,omitempty"` // s
}

// check returns an error for what the service refuses. Image is checked later,
// because the template may provide it.
func (e *endpointSpec) check() error {
	s, g, w := e.Scaling, e.GPU, e.Workers
	byCount := s != nil && s.Type == "REQUEST_COUNT"
	switch {
	case e.Name == "":
		return invalidField("name", "is required")
	case e.Type != "QUEUE" && e.Type != "LOAD_BALANCER":
		return invalidField("type", "must be QUEUE or LOAD_BALANCER")
	case e.Type == "LOAD_BALANCER":
		return invalidField("type", "must be QUEUE: the local endpoint has no load balancer")
	case s == nil:
		return invalidField("scaling", "is required")
	case !byCount && (s.Type != "QUEUE_DELAY" || s.QueueDelay < 0.5 || s.RequestCount != 0):
		return invalidField("scaling", "must be QUEUE_DELAY with queueDelay of 0.5 or more, or REQUEST_COUNT with requestCount of 1 or more")
	case byCount && (s.RequestCount < 1 || s.QueueDelay != 0):
		return invalidField("scaling.requestCount", "must be 1 or more")
	case (g == nil) == (len(e.CPU) == 0):
		return invalidField("gpu", "want exactly one of gpu and cpu")
	case g != nil && len(g.Pools) == 0:
		return invalidField("gpu.pools", "is required")
	case g != nil && len(g.AllowedCUDAVersions) > 0 && g.MinCUDAVersion != "":
		return invalidField("gpu.minCudaVersion", "must not be set together with allowedCudaVersions")
	case g != nil && g.Count != nil && *g.Count < 1:
		return invalidField("gpu.count", "must be 1 or more")
	case g != nil && hasTwice(g.ExcludedTypes):
		return invalidField("gpu.excludedTypes", "items must be unique")
	case hasTwice(e.CPU):
		return invalidField("cpu", "items must be unique")
	case w != nil && w.IdleTimeout != nil && byCount:
		return invalidField("workers.idleTimeout", "must not be set with scaling by REQUEST_COUNT")
	case w != nil && w.IdleTimeout != nil && (*w.IdleTimeout < 1 || *w.IdleTimeout > 3600):
		return invalidField("workers.idleTimeout", "must be 1 to 3600 s")
	case w != nil && (value0(w.Min, 0) < 0 || value0(w.Max, 3) < 0 || value0(w.Max, 3) < value0(w.Min, 0)):
		return invalidField("workers", "must be 0 <= min <= max")
	case e.Timeout < 0:
		return invalidField("timeout", "must not be negative")
	case e.Disk != nil && *e.Disk < 1:
		return invalidField("disk", "must be 1 GB or more")
	case e.FlashBoot != "" && !slices.Contains([]string{"OFF", "FLASHBOOT", "PRIORITY_FLASHBOOT"}, e.FlashBoot):
		return invalidField("flashboot", "must be OFF, FLASHBOOT or PRIORITY_FLASHBOOT")
	}
	for _, pool := range poolsOf(g) {
		if !slices.ContainsFunc(gpus, func(g gpuType) bool { return g.Pool == pool }) {
			return invalidField("gpu.pools", "unknown pool %q", pool)
		}
	}
	if g != nil && (!cudaVersions(g.AllowedCUDAVersions) || g.MinCUDAVersion != "" && !cudaVersions([]string{g.MinCUDAVersion})) {
		return invalidField("gpu", "want CUDA versions such as 12.8")
	}
	for _, c := range e.CPU {
		if c.ID == "" || c.VCPUCount < 2 || bits.OnesCount(uint(c.VCPUCount)) != 1 {
			return invalidField("cpu", "want an id and a vcpuCount that is a power of 2, at least 2")
		}
		if _, known := cpuOf(c.ID); !known {
			return invalidField("cpu", "unknown CPU %q", c.ID)
		}
	}
	return nil
}

var cudaVersion = regexp.MustCompile(`^\d+\.\d+$`)

// cudaVersions reports whether all items of the list are CUDA versions.
func cudaVersions(list []string) bool {
	return !slices.ContainsFunc(list, func(v string) bool { return !cudaVersion.MatchString(v) })
}

func hasTwice[T comparable](list []T) bool {
	for i, v := range list {
		if slices.Contains(list[:i], v) {
			return true
		}
	}
	return false
}

// checkExcluded refuses a PATCH that excludes GPU types but does not name pools.
func checkExcluded(body []byte) error {
	var given struct {
		GPU map[string]json.RawMessage `json:"gpu"`
	}
	if json.Unmarshal(body, &given) == nil && given.GPU["excludedTypes"] != nil && given.GPU["pools"] == nil {
		return invalidField("gpu.excludedTypes", "requires gpu.pools in the same request")
	}
	return nil
}

func poolsOf(g *gpuSpec) []string {
	if g == nil {
		return nil
	}
	return g.Pools
}

func value0(p *int, absent int) int {
	if p == nil {
		return absent
	}
	return *p
}

// complete fills in the service's defaults.
func (e *endpointSpec) complete() {
	if e.GPU != nil {
		def(&e.GPU.Count, new(1))
	}
	def(&e.FlashBoot, "OFF")
	def(&e.Workers, &workersSpec{})
	w := *e.Workers
	def(&w.Min, new(0))
	def(&w.Max, new(3))
	if e.Scaling.Type == "QUEUE_DELAY" {
		def(&w.IdleTimeout, new(10))
	}
	e.Workers = &w
}

// rules returns the spec's scaling in the queue's terms.
func (e *endpointSpec) rules(coldStart time.Duration) Scaling {
	s := Scaling{Min: *e.Workers.Min, Max: *e.Workers.Max, ColdStart: coldStart, RequestCount: e.Scaling.RequestCount,
		QueueDelay:  time.Duration(e.Scaling.QueueDelay * float64(time.Second)),
		IdleTimeout: time.Duration(value0(e.Workers.IdleTimeout, 10)) * time.Second}
	return s
}
