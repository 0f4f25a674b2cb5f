package runpod

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/tensors/pause"
)

// An EndpointType determines how requests reach workers.
type EndpointType string

// The types of endpoints. The job API is that of queues.
const (
	TypeQueue        EndpointType = "QUEUE"
	TypeLoadBalancer EndpointType = "LOAD_BALANCER"
)

// A FlashBoot says how stopped workers are kept for a quick start.
type FlashBoot string

// The values of EndpointSpec.FlashBoot.
const (
	FlashBootOff      FlashBoot = "OFF"
	FlashBootOn       FlashBoot = "FLASHBOOT"
	FlashBootPriority FlashBoot = "PRIORITY_FLASHBOOT"
)

// Scaling determines when an endpoint starts workers. Make one with ScaleOnDelay or
// ScaleOnRequests.
type Scaling struct {
	Type         string  `json:"type"`
	QueueDelay   float64 `json:"queueDelay,omitempty"`   // seconds
	RequestCount int     `json:"requestCount,omitempty"` // jobs
}

// ScaleOnDelay adds a worker when a job has waited for d, which must be at least 0.5 s. It is
// for queues only.
func ScaleOnDelay(d time.Duration) *Scaling {
	return &Scaling{Type: "QUEUE_DELAY", QueueDelay: d.Seconds()}
}

// ScaleOnRequests runs one worker for every n jobs that wait or run.
func ScaleOnRequests(n int) *Scaling { return &Scaling{Type: "REQUEST_COUNT", RequestCount: n} }

// A GPUChoice says which GPUs workers may have.
type GPUChoice struct {
	// Pools are groups of cards with similar memory: "ADA_24", "AMPERE_80".
	Pools         []string `json:"pools,omitempty"`
	ExcludedTypes []string `json:"excludedTypes,omitempty"` // cards of the pools, by GPU.ID
	Count         int      `json:"count,omitempty"`         // GPUs of one worker; default 1
	// AllowedCUDAVersions ("12.8") or MinCUDAVersion, not both.
	AllowedCUDAVersions []string `json:"allowedCudaVersions,omitempty"`
	MinCUDAVersion      string   `json:"minCudaVersion,omitempty"`
}

// A CPUChoice is a kind of CPU that workers may have.
type CPUChoice struct {
	ID        string `json:"id"`
	VCPUCount int    `json:"vcpuCount"` // a power of 2, at least 2
}

// WorkerBounds limit the number of workers.
type WorkerBounds struct {
	Min int `json:"min"` // always on, always billed
	Max int `json:"max"`
	// IdleTimeout is how many seconds a worker stays up without a job, which is billed: 1
	// to 3600, 0 for the service's default of 10. Queues that scale on requests have none.
	IdleTimeout int `json:"idleTimeout,omitempty"`
}

// A Container is what workers run.
type Container struct {
	Image    string            `json:"image,omitempty"`
	Args     string            `json:"args,omitempty"`
	Disk     int               `json:"disk,omitempty"` // GB
	Env      map[string]string `json:"env,omitempty"`
	Ports    []string          `json:"ports,omitempty"`    // "8888/http"
	Registry string            `json:"registry,omitempty"` // id of the credentials for a private image
}

// An EndpointSpec describes an endpoint to create. In an update, zero fields stay unchanged.
//
// Source: docs.runpod.io, API reference (v2), serverless.
type EndpointSpec struct {
	Name string       `json:"name,omitempty"`
	Type EndpointType `json:"type,omitempty"`
	Container
	// TemplateID names a template that is read once, when the endpoint is created; fields
	// here override it.
	TemplateID     string        `json:"templateId,omitempty"`
	Scaling        *Scaling      `json:"scaling,omitempty"`
	GPU            *GPUChoice    `json:"gpu,omitempty"` // this or CPU
	CPU            []CPUChoice   `json:"cpu,omitempty"`
	Workers        *WorkerBounds `json:"workers,omitempty"` // default 0 to 3
	DataCenterIDs  []string      `json:"dataCenterIds,omitempty"`
	NetworkVolumes []string      `json:"networkVolumes,omitempty"` // ids; at most one for each data centre
	// Timeout is how many milliseconds a job may run, unless its policy says otherwise.
	// Create sends 300000 for 0, because without a value the service sets no limit.
	Timeout   int64     `json:"timeout,omitempty"`
	FlashBoot FlashBoot `json:"flashboot,omitempty"`
}

// check returns an error for a spec that the service would refuse, in terms of the fields.
func (s EndpointSpec) check() error {
	wrong := func(text string) error { return invalid(opManage, "", "endpoint %.80q: %s", s.Name, text) }
	switch {
	case s.Name == "":
		return wrong("a name is missing")
	case s.Type != TypeQueue && s.Type != TypeLoadBalancer:
		return wrong("the type is neither QUEUE nor LOAD_BALANCER")
	case s.Image == "" && s.TemplateID == "":
		return wrong("an image or a template is missing")
	case (s.GPU == nil) == (len(s.CPU) == 0):
		return wrong("one of GPU and CPU is to be set")
	case s.GPU != nil && len(s.GPU.Pools) == 0:
		return wrong("no pool of GPUs")
	case s.GPU != nil && len(s.GPU.AllowedCUDAVersions) > 0 && s.GPU.MinCUDAVersion != "":
		return wrong("allowed and minimal CUDA versions exclude each other")
	case s.Scaling == nil:
		return wrong("scaling is missing")
	case s.Scaling.Type == "QUEUE_DELAY" && (s.Type != TypeQueue || s.Scaling.QueueDelay < 0.5):
		return wrong("scaling on delay is for queues, from 0.5 s")
	case s.Scaling.Type == "REQUEST_COUNT" && s.Scaling.RequestCount < 1:
		return wrong("scaling on requests is from 1")
	case s.Workers != nil && (s.Workers.Min < 0 || s.Workers.Max < s.Workers.Min):
		return wrong("the bounds of workers are not 0 <= min <= max")
	case s.Workers != nil && (s.Workers.IdleTimeout < 0 || s.Workers.IdleTimeout > 3600):
		return wrong("want an idle timeout of 1 to 3600 s")
	case s.Workers != nil && s.Workers.IdleTimeout != 0 && s.Type == TypeQueue && s.Scaling.Type == "REQUEST_COUNT":
		return wrong("a queue that scales on requests has no idle timeout")
	}
	return nil
}

// An EndpointInfo is an endpoint as the service describes it.
//
// Source: docs.runpod.io, API reference (v2), serverless.
type EndpointInfo struct {
	ID EndpointID `json:"id"`
	EndpointSpec
	CreatedAt   time.Time         `json:"createdAt"`
	RequestURLs map[string]string `json:"requestUrls"` // "run", "status", ...
}

// Endpoints lists the account's endpoints.
func (m *Management) Endpoints(ctx context.Context) ([]EndpointInfo, error) {
	return list[EndpointInfo](ctx, m, "endpoints", nil, "serverless")
}

// Endpoint returns the endpoint with that id.
func (m *Management) Endpoint(ctx context.Context, id EndpointID) (*EndpointInfo, error) {
	out := new(EndpointInfo)
	return out, m.get(ctx, out, nil, "serverless", string(id))
}

// CreateEndpoint creates an endpoint. It is never resent: after ErrUnknownOutcome the
// endpoint may exist, and EnsureEndpoint finds it.
func (m *Management) CreateEndpoint(ctx context.Context, s EndpointSpec) (*EndpointInfo, error) {
	if s.Timeout == 0 {
		s.Timeout = 300_000
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	out := new(EndpointInfo)
	return out, m.do(ctx, http.MethodPost, []string{"serverless"}, nil, s, out)
}

// UpdateEndpoint changes the fields of s that are not zero. Workers switch to a new image one
// by one. An endpoint cannot change from GPU to CPU or back.
func (m *Management) UpdateEndpoint(ctx context.Context, id EndpointID, s EndpointSpec) (*EndpointInfo, error) {
	if s.GPU != nil && len(s.GPU.ExcludedTypes) > 0 && len(s.GPU.Pools) == 0 {
		return nil, invalid(opManage, id, "excluded types of GPU need the pools beside them")
	}
	s.Type, s.TemplateID = "", ""
	out := new(EndpointInfo)
	return out, m.do(ctx, http.MethodPatch, []string{"serverless", string(id)}, nil, s, out)
}

// DeleteEndpoint deletes the endpoint, its workers and its jobs.
func (m *Management) DeleteEndpoint(ctx context.Context, id EndpointID) error {
	return m.remove(ctx, "serverless", string(id))
}

// EnsureEndpoint makes sure that the account has one endpoint with that name and spec: it
// updates the existing one or creates it. If the outcome of creating it is unknown, it
// looks for the endpoint, so that none is created twice. Several endpoints with that name
// are ErrConflict.
func (m *Management) EnsureEndpoint(ctx context.Context, s EndpointSpec) (info *EndpointInfo, created bool, err error) {
	if err := s.check(); err != nil {
		return nil, false, err
	}
	found, err := m.findEndpoint(ctx, s.Name)
	if err != nil {
		return nil, false, err
	}
	if found != nil {
		info, err = m.UpdateEndpoint(ctx, found.ID, s)
		return info, false, err
	}
	info, err = m.CreateEndpoint(ctx, s)
	for wait := time.Second; errors.Is(err, ErrUnknownOutcome) && wait <= 8*time.Second; wait *= 2 {
		if cause := pause.For(ctx, wait); cause != nil {
			return nil, false, errors.Join(err, cause)
		}
		found, findErr := m.findEndpoint(ctx, s.Name)
		if findErr != nil {
			return nil, false, errors.Join(err, findErr)
		}
		if found != nil {
			return found, true, nil
		}
	}
	if err != nil {
		return nil, false, err
	}
	return info, true, nil
}

// findEndpoint returns the endpoint with that name, or nil. The service appends " -fb" to the
// names of endpoints with FlashBoot.
func (m *Management) findEndpoint(ctx context.Context, name string) (*EndpointInfo, error) {
	all, err := m.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(e EndpointInfo) bool { return strings.TrimSuffix(e.Name, " -fb") != name })
	switch len(all) {
	case 0:
		return nil, nil
	case 1:
		return &all[0], nil
	}
	return nil, &Error{Op: opManage, Kind: ErrConflict, Message: "several endpoints are named " + oneLine(name)}
}

// A Worker is a container of an endpoint.
//
// Source: docs.runpod.io, API reference (v2), serverless/{id}/workers.
type Worker struct {
	ID            WorkerID  `json:"id"`
	Status        string    `json:"status"`  // RUNNING, IDLE, INITIALIZING, THROTTLED, UNHEALTHY
	IsStale       bool      `json:"isStale"` // it runs an earlier release
	Version       int       `json:"version"`
	GPUCount      int       `json:"gpuCount"`
	GPUTypeID     string    `json:"gpuTypeId"`
	DataCenterID  string    `json:"dataCenterId"`
	Image         string    `json:"image"`
	UptimeSeconds float64   `json:"uptimeSeconds"`
	StartedAt     time.Time `json:"startedAt"`
}

// A WorkerList has an endpoint's workers, and how many are in each state.
type WorkerList struct {
	Workers []Worker `json:"workers"`
	Summary struct {
		Running      int `json:"running"`
		Idle         int `json:"idle"`
		Initializing int `json:"initializing"`
		Throttled    int `json:"throttled"`
		Unhealthy    int `json:"unhealthy"`
		Total        int `json:"total"`
	} `json:"summary"`
	EndpointVersion int `json:"endpointVersion"`
}

// Workers lists the workers of an endpoint.
func (m *Management) Workers(ctx context.Context, id EndpointID) (*WorkerList, error) {
	out := new(WorkerList)
	workers, err := listWith[Worker](ctx, m, "workers", out, nil, "serverless", string(id), "workers")
	if err != nil {
		return nil, err
	}
	out.Workers = workers
	return out, nil
}

// A Release is a version of an endpoint's configuration.
//
// Source: docs.runpod.io, API reference (v2), serverless/{id}/releases.
type Release struct {
	ID          string    `json:"id"`
	Version     int       `json:"version"`
	Source      string    `json:"source"` // GIT_BUILD, MANUAL
	BuildID     string    `json:"buildId"`
	WorkerCount int       `json:"workerCount"` // workers that run it
	CreatedAt   time.Time `json:"createdAt"`
	Diff        []struct {
		Field    string `json:"field"`
		Old, New any
	} `json:"diff"`
}

// Releases lists an endpoint's releases.
func (m *Management) Releases(ctx context.Context, id EndpointID) ([]Release, error) {
	return list[Release](ctx, m, "releases", nil, "serverless", string(id), "releases")
}
