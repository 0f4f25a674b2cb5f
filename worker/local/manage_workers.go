package local

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A workerInfo is one worker in the answer of /v2/serverless/{id}/workers.
type workerInfo struct {
	ID            string    `json:"id"`
	Status        string    `json:"status"`
	IsStale       bool      `json:"isStale"`
	Version       int       `json:"version"`
	GPUCount      int       `json:"gpuCount"`
	Image         string    `json:"image"`
	UptimeSeconds int       `json:"uptimeSeconds"`
	GPUTypeID     string    `json:"gpuTypeId"`
	DataCenterID  string    `json:"dataCenterId"`
	StartedAt     time.Time `json:"startedAt"`
}

func (w *workerRecord) status() string {
	switch {
	case w.state == workerUnhealthy:
		return "UNHEALTHY"
	case w.state == workerThrottled:
		return "THROTTLED"
	case w.state == workerStarting:
		return "INITIALIZING"
	case len(w.jobs) > 0:
		return "RUNNING"
	}
	return "IDLE"
}

// workerInfos returns the workers, sorted by id.
func (q *queue) workerInfos() []workerInfo {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.opt.Clock.Now()
	all := make([]workerInfo, 0, len(q.workers))
	for _, w := range q.workers {
		gpu := w.gpu
		def(&gpu, "local")
		all = append(all, workerInfo{ID: w.id, Status: w.status(), Version: 1, GPUCount: 1, GPUTypeID: gpu, DataCenterID: "LOCAL-1",
			UptimeSeconds: int(now.Sub(w.since).Seconds()), StartedAt: w.since.UTC()})
	}
	slices.SortFunc(all, func(a, b workerInfo) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// endpointPart returns a part of an endpoint: its workers or its releases.
func (s *Server) endpointPart(r *http.Request, id, part string) (int, any, error) {
	e := s.endpoint(id)
	if e == nil {
		return 0, nil, errNotFound
	}
	if r.Method != http.MethodGet {
		return 0, nil, newProblem(http.StatusMethodNotAllowed, "method not allowed")
	}
	s.mu.Lock()
	spec, version, releases := e.spec, e.version, slices.Clone(e.releases)
	s.mu.Unlock()
	switch part {
	case "workers":
		all := e.q.workerInfos()
		summary := map[string]int{"running": 0, "idle": 0, "initializing": 0, "throttled": 0, "unhealthy": 0, "total": len(all)}
		for i := range all {
			all[i].Image, all[i].Version = spec.Image, version
			if spec.GPU != nil {
				all[i].GPUCount = value0(spec.GPU.Count, 1)
			}
			summary[strings.ToLower(all[i].Status)]++
		}
		return http.StatusOK, map[string]any{"workers": all, "summary": summary, "endpointVersion": version}, nil
	case "releases":
		if len(releases) > 0 {
			releases[0].WorkerCount = len(e.q.workerInfos())
		}
		// The workers of this endpoint switch to a new release immediately.
		n := len(e.q.workerInfos())
		rollout := map[string]any{"inProgress": false, "workersOnLatest": n, "workersTotal": n, "percentOnLatest": 100}
		return http.StatusOK, map[string]any{"endpointVersion": version, "rollout": rollout, "releases": orEmpty(releases)}, nil
	}
	return 0, nil, errNotFound
}

// all returns the endpoints. Lock order: the server's mu may be locked while a
// queue's mu is held, but not the other way round. So no code may call a queue while
// it holds the server's mu.
func (s *Server) all() []*endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.endpoints))
}

// endpoint returns the endpoint with this id, or nil.
func (s *Server) endpoint(id string) *endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endpoints[id]
}
