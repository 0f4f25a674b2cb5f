package local

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/gopherpod/gopherpod/worker/policy"
)

// managedEndpoints is the Server as the resource /v2/serverless.
type managedEndpoints Server

func (m *managedEndpoints) name() string { return "endpoints" }

func (m *managedEndpoints) ids() []string {
	s := (*Server)(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.endpoints))
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
	if err := s.resolve(&spec); err != nil {
		return nil, err
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

// resolve looks up the ids in a body: the template, the volumes, the data centers.
func (s *Server) resolve(spec *endpointSpec) error {
	for _, id := range spec.DataCenterIDs {
		if _, ok := dataCenters[id]; !ok {
			return invalidField("dataCenterIds", "unknown data center %q", id)
		}
	}
	for _, id := range spec.NetworkVolumes {
		if _, err := s.account.volumes.get(id); err != nil {
			return newProblem(http.StatusNotFound, "network volume %q not found", id)
		}
	}
	if spec.TemplateID != "" {
		if err := s.fromTemplate(spec); err != nil {
			return err
		}
	}
	return s.account.checkRegistryID(spec.Registry)
}

// fromTemplate copies the template's fields into spec, which does not follow later
// changes of the template. Fields of the body win; env is merged by key.
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
	opt.ExecutionTimeout = policy.Max
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
	e.q.setMost(*spec.Workers.Max)
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
	var given struct {
		TemplateID string `json:"templateId"`
	}
	if json.Unmarshal(body, &given) == nil && given.TemplateID != "" {
		spec.containerSpec = containerSpec{} // take the template's fields, with those of the body over them
	}
	if err := readUpdate(body, &spec, "type"); err != nil {
		return nil, err
	}
	if err := checkExcluded(body); err != nil {
		return nil, err
	}
	if (spec.GPU == nil) != (old.GPU == nil) || (len(spec.CPU) == 0) != (len(old.CPU) == 0) {
		return nil, invalidField("gpu", "an endpoint cannot change between gpu and cpu")
	}
	if spec.Scaling.Type != old.Scaling.Type { // remove the settings of the old type
		if spec.Scaling.Type == "REQUEST_COUNT" {
			spec.Scaling.QueueDelay, spec.Workers.IdleTimeout = 0, nil
		} else {
			spec.Scaling.RequestCount = 0
		}
	}
	if err := spec.check(); err != nil {
		return nil, err
	}
	if err := s.resolve(&spec); err != nil {
		return nil, err
	}
	spec.complete()
	spec.TemplateID = ""
	diff := differences(old, spec)
	s.mu.Lock()
	e.spec = spec
	if len(diff) > 0 {
		e.version++
		e.releases = append([]release{{ID: newWorkerID(), Version: e.version, Source: "MANUAL", CreatedAt: s.opt.Clock.Now(), Diff: diff}}, e.releases...)
	}
	s.mu.Unlock()
	timeout := policy.Max
	if spec.Timeout > 0 {
		timeout = time.Duration(spec.Timeout) * time.Millisecond
	}
	e.q.setTimeout(timeout)
	e.q.setMost(*spec.Workers.Max)
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
		return newProblem(http.StatusConflict, "this endpoint belongs to the server and cannot be deleted")
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

// describeLocked returns an endpoint in the form of the service's answers, which have
// no templateId.
func (s *Server) describeLocked(e *endpoint) any {
	spec := clone(e.spec)
	spec.TemplateID = ""
	// A server without a listener can be reached through its ServeHTTP only.
	base := cmp.Or(s.url, "http://localhost") + "/v2/" + e.id
	answer := struct {
		ID string `json:"id"`
		endpointSpec
		// These are always present, even if they are empty.
		DataCenterIDs  []string          `json:"dataCenterIds"`
		NetworkVolumes []string          `json:"networkVolumes"`
		GPU            *gpuAnswer        `json:"gpu,omitempty"`
		CPU            []cpuAnswer       `json:"cpu,omitempty"`
		CreatedAt      time.Time         `json:"createdAt"`
		RequestURLs    map[string]string `json:"requestUrls"`
	}{ID: e.id, endpointSpec: spec, DataCenterIDs: orEmpty(spec.DataCenterIDs), NetworkVolumes: orEmpty(spec.NetworkVolumes),
		GPU: spec.GPU.answer(), CreatedAt: e.created.UTC(), RequestURLs: map[string]string{"run": base + "/run", "runSync": base + "/runsync", "status": base + "/status",
			"stream": base + "/stream", "cancel": base + "/cancel", "retry": base + "/retry", "purgeQueue": base + "/purge-queue", "health": base + "/health"}}
	for _, c := range spec.CPU {
		kind, _ := cpuOf(c.ID)
		answer.CPU = append(answer.CPU, cpuAnswer{c, int(kind.RAMPerVCPU) * c.VCPUCount})
	}
	return answer
}
