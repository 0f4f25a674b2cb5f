package local

import (
	"context"
	"encoding/json"
	"maps"
	"math/bits"
	"net/http"
	"slices"
	"time"
)

// An endpointSpec is the body that makes an endpoint.
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
	Timeout        int64    `json:"timeout"` // ms; 0: none, as the service does
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
	Count               int      `json:"count,omitempty"`
	AllowedCUDAVersions []string `json:"allowedCudaVersions,omitempty"`
	MinCUDAVersion      string   `json:"minCudaVersion,omitempty"`
}

type cpuSpec struct {
	ID        string `json:"id"`
	VCPUCount int    `json:"vcpuCount"`
}

type workersSpec struct {
	Min         *int `json:"min,omitempty"`
	Max         *int `json:"max,omitempty"`
	IdleTimeout *int `json:"idleTimeout,omitempty"` // s
}

// check finds what the service refuses; image is checked after the template.
func (e *endpointSpec) check() error {
	s, g, w := e.Scaling, e.GPU, e.Workers
	byCount := s != nil && s.Type == "REQUEST_COUNT"
	switch {
	case e.Name == "":
		return invalidField("name", "is required")
	case e.Type != "QUEUE" && e.Type != "LOAD_BALANCER":
		return invalidField("type", "must be QUEUE or LOAD_BALANCER")
	case e.Type == "LOAD_BALANCER":
		return invalidField("type", "this endpoint on your machine has queues only")
	case s == nil:
		return invalidField("scaling", "is required")
	case !byCount && (s.Type != "QUEUE_DELAY" || s.QueueDelay < 0.5 || s.RequestCount != 0):
		return invalidField("scaling", "must be QUEUE_DELAY with queueDelay of 0.5 or more, or REQUEST_COUNT with requestCount of 1 or more")
	case byCount && (s.RequestCount < 1 || s.QueueDelay != 0):
		return invalidField("scaling.requestCount", "must be 1 or more")
	case (g == nil) == (len(e.CPU) == 0):
		return invalidField("gpu", "exactly one of gpu and cpu")
	case g != nil && len(g.Pools) == 0:
		return invalidField("gpu.pools", "is required")
	case g != nil && len(g.AllowedCUDAVersions) > 0 && g.MinCUDAVersion != "":
		return invalidField("gpu.minCudaVersion", "not together with allowedCudaVersions")
	case g != nil && g.Count < 0:
		return invalidField("gpu.count", "must be 1 or more")
	case w != nil && w.IdleTimeout != nil && byCount:
		return invalidField("workers.idleTimeout", "not with scaling by REQUEST_COUNT")
	case w != nil && w.IdleTimeout != nil && (*w.IdleTimeout < 1 || *w.IdleTimeout > 3600):
		return invalidField("workers.idleTimeout", "must be 1 to 3600 s")
	case w != nil && (value0(w.Min, 0) < 0 || value0(w.Max, 3) < 0 || value0(w.Max, 3) < value0(w.Min, 0)):
		return invalidField("workers", "must be 0 <= min <= max")
	case e.Timeout < 0 || e.Disk < 0:
		return invalidField("timeout", "must not be negative")
	case e.FlashBoot != "" && !slices.Contains([]string{"OFF", "FLASHBOOT", "PRIORITY_FLASHBOOT"}, e.FlashBoot):
		return invalidField("flashboot", "must be OFF, FLASHBOOT or PRIORITY_FLASHBOOT")
	}
	for _, pool := range poolsOf(g) {
		if !slices.ContainsFunc(gpus, func(g gpuType) bool { return g.Pool == pool }) {
			return invalidField("gpu.pools", "unknown pool %q", pool)
		}
	}
	for _, c := range e.CPU {
		if c.ID == "" || c.VCPUCount < 2 || bits.OnesCount(uint(c.VCPUCount)) != 1 {
			return invalidField("cpu", "wants an id and a vcpuCount that is a power of 2")
		}
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
		def(&e.GPU.Count, 1)
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

// rules are the spec's scaling in the queue's terms.
func (e *endpointSpec) rules(coldStart time.Duration) Scaling {
	s := Scaling{Min: *e.Workers.Min, Max: *e.Workers.Max, ColdStart: coldStart, RequestCount: e.Scaling.RequestCount,
		QueueDelay:  time.Duration(e.Scaling.QueueDelay * float64(time.Second)),
		IdleTimeout: time.Duration(value0(e.Workers.IdleTimeout, 10)) * time.Second}
	return s
}

// managedEndpoints is the Server as the resource /v2/serverless.
type managedEndpoints Server

func (m *managedEndpoints) list() any {
	s := (*Server)(m)
	s.mu.Lock()
	ids := slices.Sorted(maps.Keys(s.endpoints))
	all := make([]any, 0, len(ids))
	for _, id := range ids {
		all = append(all, s.describeLocked(s.endpoints[id]))
	}
	s.mu.Unlock()
	return map[string]any{"endpoints": all}
}

func (m *managedEndpoints) get(id string) (any, error) {
	s := (*Server)(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.endpoints[id]
	if e == nil {
		return nil, errNotFound
	}
	return s.describeLocked(e), nil
}

func (m *managedEndpoints) create(body []byte) (any, error) {
	s := (*Server)(m)
	var spec endpointSpec
	if err := readStrict(body, &spec); err != nil {
		return nil, err
	}
	if err := spec.check(); err != nil {
		return nil, err
	}
	if spec.TemplateID != "" {
		if err := s.fromTemplate(&spec); err != nil {
			return nil, err
		}
	}
	if spec.Image == "" {
		return nil, invalidField("image", "one of image and templateId is required")
	}
	spec.complete()
	e, err := s.addEndpoint(spec)
	if err != nil {
		return nil, err
	}
	return m.get(e.id)
}

// fromTemplate resolves the template, once: the body's fields win, env merges by key.
func (s *Server) fromTemplate(spec *endpointSpec) error {
	t := s.account.templates
	t.mu.Lock()
	from, ok := t.rows[spec.TemplateID]
	t.mu.Unlock()
	if !ok {
		return invalidField("templateId", "unknown template")
	}
	from = clone(from)
	def(&spec.Image, from.Image)
	def(&spec.Args, from.Args)
	def(&spec.Disk, from.Disk)
	def(&spec.Registry, from.Registry)
	if spec.Ports == nil {
		spec.Ports = from.Ports
	}
	if from.Env != nil {
		maps.Copy(from.Env, spec.Env)
		spec.Env = from.Env
	}
	return nil
}

func (s *Server) addEndpoint(spec endpointSpec) (*endpoint, error) {
	opt := s.opt
	opt.EndpointID = newWorkerID()
	opt.StateDir = ""
	opt.ExecutionTimeout = policyMax
	if spec.Timeout > 0 {
		opt.ExecutionTimeout = time.Duration(spec.Timeout) * time.Millisecond
	}
	rules := spec.rules(s.coldStart())
	opt.Scaling = &rules
	opt.PricePerHour = priceOf(spec.GPU)
	ctx, cancel := context.WithCancelCause(s.ctx)
	e, err := s.newEndpoint(ctx, opt.EndpointID, opt)
	if err != nil {
		cancel(err)
		return nil, err
	}
	e.end, e.spec, e.version, e.created = cancel, spec, 1, opt.Clock.Now()
	e.releases = []release{{ID: newWorkerID(), Version: 1, Source: "MANUAL", CreatedAt: e.created, Diff: []change{}}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		cancel(ErrClosed)
		return nil, newProblem(http.StatusServiceUnavailable, "shutting down")
	}
	s.endpoints[e.id] = e
	return e, nil
}

func (s *Server) coldStart() time.Duration {
	if s.opt.Scaling == nil {
		return 0
	}
	return s.opt.Scaling.ColdStart
}

func (m *managedEndpoints) update(id string, body []byte) (any, error) {
	s := (*Server)(m)
	s.mu.Lock()
	e := s.endpoints[id]
	if e == nil {
		s.mu.Unlock()
		return nil, errNotFound
	}
	spec := clone(e.spec)
	s.mu.Unlock()
	old := clone(spec)
	if err := readStrict(body, &spec); err != nil {
		return nil, err
	}
	if (spec.GPU == nil) != (old.GPU == nil) || (len(spec.CPU) == 0) != (len(old.CPU) == 0) {
		return nil, invalidField("gpu", "the family of an endpoint cannot change")
	}
	if spec.Scaling.Type != old.Scaling.Type { // what belongs to the other way goes
		if spec.Scaling.Type == "REQUEST_COUNT" {
			spec.Scaling.QueueDelay, spec.Workers.IdleTimeout = 0, nil
		} else {
			spec.Scaling.RequestCount = 0
		}
	}
	if err := spec.check(); err != nil {
		return nil, err
	}
	spec.complete()
	diff := differences(old, spec)
	s.mu.Lock()
	e.spec = spec
	if len(diff) > 0 {
		e.version++
		e.releases = append([]release{{ID: newWorkerID(), Version: e.version, Source: "MANUAL", CreatedAt: s.opt.Clock.Now(), Diff: diff}}, e.releases...)
	}
	s.mu.Unlock()
	timeout := policyMax
	if spec.Timeout > 0 {
		timeout = time.Duration(spec.Timeout) * time.Millisecond
	}
	e.q.setTimeout(timeout)
	if e.pool != nil {
		e.pool.setRules(spec.rules(s.coldStart()))
	}
	return m.get(id)
}

func (m *managedEndpoints) remove(id string) error {
	s := (*Server)(m)
	s.mu.Lock()
	e := s.endpoints[id]
	if e != nil && e == s.ep {
		s.mu.Unlock()
		return newProblem(http.StatusConflict, "this endpoint belongs to the server and ends with it")
	}
	delete(s.endpoints, id)
	s.mu.Unlock()
	if e == nil {
		return errNotFound
	}
	e.q.close()
	e.end(ErrClosed)
	return nil
}

// describeLocked is an endpoint as the service answers it; it has no templateId.
func (s *Server) describeLocked(e *endpoint) any {
	spec := clone(e.spec)
	spec.TemplateID = ""
	base := s.BaseURL() + "/" + e.id
	return struct {
		ID string `json:"id"`
		endpointSpec
		CreatedAt   time.Time         `json:"createdAt"`
		RequestURLs map[string]string `json:"requestUrls"`
	}{e.id, spec, e.created.UTC(), map[string]string{"run": base + "/run", "runSync": base + "/runsync", "status": base + "/status",
		"stream": base + "/stream", "cancel": base + "/cancel", "retry": base + "/retry", "purgeQueue": base + "/purge-queue", "health": base + "/health"}}
}

// A release is a version of an endpoint.
type release struct {
	ID          string    `json:"id"`
	Version     int       `json:"version"`
	Source      string    `json:"source"`
	WorkerCount int       `json:"workerCount"`
	CreatedAt   time.Time `json:"createdAt"`
	Diff        []change  `json:"diff"`
}

type change struct {
	Field string          `json:"field"`
	Old   json.RawMessage `json:"old"`
	New   json.RawMessage `json:"new"`
}

// differences are the top-level fields in which two specs differ.
func differences(old, new endpointSpec) []change {
	a, b := fieldsOf(old), fieldsOf(new)
	var diff []change
	for _, k := range slices.Sorted(maps.Keys(b)) {
		if string(a[k]) != string(b[k]) {
			diff = append(diff, change{k, orNull(a[k]), b[k]})
		}
	}
	for _, k := range slices.Sorted(maps.Keys(a)) {
		if _, ok := b[k]; !ok {
			diff = append(diff, change{k, a[k], orNull(nil)})
		}
	}
	return diff
}

func fieldsOf(e endpointSpec) (m map[string]json.RawMessage) {
	b, _ := json.Marshal(e) // numbers, texts, lists
	json.Unmarshal(b, &m)
	return m
}

func orNull(b json.RawMessage) json.RawMessage {
	if b == nil {
		return json.RawMessage("null")
	}
	return b
}
