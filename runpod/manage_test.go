package runpod_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runpodtest"
	"github.com/gopherpod/gopherpod/runpod/shape"
)

func manage(t *testing.T, steps ...runpodtest.Step) *runpod.Management {
	t.Helper()
	return open(t, steps...).Client().Management()
}

var spec = runpod.EndpointSpec{
	Name: "trainer", Type: runpod.TypeQueue, Container: runpod.Container{Image: "user/worker:1", Disk: 20, Env: map[string]string{"A": "b"}},
	Scaling: runpod.ScaleOnDelay(4 * time.Second), GPU: &runpod.GPUChoice{Pools: []string{"ADA_24"}, Count: 1, MinCUDAVersion: "12.4"},
	Workers: &runpod.WorkerBounds{Max: 3, IdleTimeout: 5}, FlashBoot: runpod.FlashBootOn,
}

const (
	specBody = `{"name":"trainer","type":"QUEUE","image":"user/worker:1","disk":20,"env":{"A":"b"},"scaling":{"type":"QUEUE_DELAY","queueDelay":4},
		"gpu":{"pools":["ADA_24"],"count":1,"minCudaVersion":"12.4"},"workers":{"min":0,"max":3,"idleTimeout":5},"timeout":300000,"flashboot":"FLASHBOOT"}`
	endpointReply = `{"id":"ep1","name":"trainer -fb","type":"QUEUE","image":"user/worker:1","scaling":{"type":"QUEUE_DELAY","queueDelay":4},
		"workers":{"min":0,"max":3,"idleTimeout":5},"requestUrls":{"run":"https://api.runpod.ai/v2/ep1/run"},"createdAt":"2026-08-20T10:00:00Z","novel":true}`
)

func step(method, path, reply string, body any) runpodtest.Step {
	return runpodtest.Step{Method: method, Path: "/v2/" + path, Reply: reply, Body: body}
}

func TestEndpointLife(t *testing.T) {
	m := manage(t,
		step("POST", "serverless", endpointReply, specBody),
		step("GET", "serverless/ep1", endpointReply, nil),
		step("PATCH", "serverless/ep1", endpointReply, `{"workers":{"min":1,"max":2}}`),
		step("GET", "serverless/ep1/workers", `{"workers":[{"id":"w","status":"RUNNING","gpuTypeId":"NVIDIA L4","uptimeSeconds":3}],"summary":{"running":1,"total":1},"endpointVersion":2}`, nil),
		step("GET", "serverless/ep1/releases", `{"releases":[{"id":"r","version":2,"diff":[{"field":"image","old":"a","new":"b"}]}]}`, nil),
		runpodtest.Step{Method: "DELETE", Path: "/v2/serverless/ep1", Status: 204},
	)
	ctx := t.Context()
	e, err := m.CreateEndpoint(ctx, spec)
	if err != nil || e.ID != "ep1" || e.Scaling.QueueDelay != 4 || e.CreatedAt.Year() != 2026 {
		t.Errorf("create: %+v, %v", e, err)
	}
	if e, err = m.Endpoint(ctx, "ep1"); err != nil || e.RequestURLs["run"] == "" {
		t.Errorf("get: %+v, %v", e, err)
	}
	if _, err = m.UpdateEndpoint(ctx, "ep1", runpod.EndpointSpec{Workers: &runpod.WorkerBounds{Min: 1, Max: 2}}); err != nil {
		t.Errorf("update: %v", err)
	}
	if w, err := m.Workers(ctx, "ep1"); err != nil || w.Summary.Running != 1 || w.Workers[0].GPUTypeID != "NVIDIA L4" {
		t.Errorf("workers: %+v, %v", w, err)
	}
	if r, err := m.Releases(ctx, "ep1"); err != nil || r[0].Diff[0].New != "b" {
		t.Errorf("releases: %+v, %v", r, err)
	}
	if err := m.DeleteEndpoint(ctx, "ep1"); err != nil {
		t.Errorf("delete: %v", err)
	}
}

func TestEndpointSpecRefused(t *testing.T) {
	m := manage(t)
	for says, change := range map[string]func(*runpod.EndpointSpec){
		"name":            func(s *runpod.EndpointSpec) { s.Name = "" },
		"type":            func(s *runpod.EndpointSpec) { s.Type = "POD" },
		"image":           func(s *runpod.EndpointSpec) { s.Image = "" },
		"GPU and CPU":     func(s *runpod.EndpointSpec) { s.CPU = []runpod.CPUChoice{{ID: "cpu3c", VCPUCount: 2}} },
		"pool":            func(s *runpod.EndpointSpec) { s.GPU = &runpod.GPUChoice{} },
		"CUDA":            func(s *runpod.EndpointSpec) { g := *s.GPU; g.AllowedCUDAVersions = []string{"12.8"}; s.GPU = &g },
		"scaling is":      func(s *runpod.EndpointSpec) { s.Scaling = nil },
		"from 0.5":        func(s *runpod.EndpointSpec) { s.Scaling = runpod.ScaleOnDelay(time.Millisecond) },
		"from 1":          func(s *runpod.EndpointSpec) { s.Scaling = runpod.ScaleOnRequests(0) },
		"bounds":          func(s *runpod.EndpointSpec) { s.Workers = &runpod.WorkerBounds{Min: 2, Max: 1} },
		"1 to 3600":       func(s *runpod.EndpointSpec) { s.Workers = &runpod.WorkerBounds{Max: 1, IdleTimeout: 4000} },
		"no idle timeout": func(s *runpod.EndpointSpec) { s.Scaling = runpod.ScaleOnRequests(2) },
	} {
		s := spec
		change(&s)
		if _, err := m.CreateEndpoint(t.Context(), s); !errors.Is(err, runpod.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
		if _, _, err := m.EnsureEndpoint(t.Context(), s); !errors.Is(err, runpod.ErrInvalid) {
			t.Errorf("ensure: %v", err)
		}
	}
	if _, err := m.UpdateEndpoint(t.Context(), "ep", runpod.EndpointSpec{GPU: &runpod.GPUChoice{ExcludedTypes: []string{"x"}}}); !errors.Is(err, runpod.ErrInvalid) {
		t.Errorf("excluded without pools: %v", err)
	}
}

// If creating answered 502 but succeeded, the endpoint is found and not created again.
func TestEnsureEndpoint(t *testing.T) {
	list := func(endpoints string) runpodtest.Step {
		return step("GET", "serverless", `{"endpoints":[`+endpoints+`]}`, nil)
	}
	create := step("POST", "serverless", endpointReply, specBody)
	lost := create
	lost.Status, lost.Reply = 502, ""
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			steps   []runpodtest.Step
			created bool
			err     error
		}{
			"new":             {[]runpodtest.Step{list(""), create}, true, nil},
			"there":           {[]runpodtest.Step{list(endpointReply), step("PATCH", "serverless/ep1", endpointReply, nil)}, false, nil},
			"several":         {[]runpodtest.Step{list(endpointReply + "," + endpointReply)}, false, runpod.ErrConflict},
			"lost, there":     {[]runpodtest.Step{list(""), lost, list(""), list(endpointReply)}, true, nil},
			"lost, not there": {[]runpodtest.Step{list(""), lost, list(""), list(""), list(""), list("")}, false, runpod.ErrUnknownOutcome},
		} {
			info, created, err := manage(t, c.steps...).EnsureEndpoint(t.Context(), spec)
			if created != c.created || !errors.Is(err, c.err) || err == nil && info.ID != "ep1" {
				t.Errorf("%s: %v, %v, %v", name, info, created, err)
			}
		}
	})
}

// If deleting answered 500 but succeeded, the repeated request gets a 404, which is not an
// error.
func TestDeleteTwice(t *testing.T) {
	gone := runpodtest.Step{Method: "DELETE", Path: "/v2/serverless/ep1", Status: 404}
	lost := gone
	lost.Status = 500
	synctest.Test(t, func(t *testing.T) {
		if err := manage(t, lost, gone).DeleteEndpoint(t.Context(), "ep1"); err != nil {
			t.Error(err)
		}
		if err := manage(t, gone).DeleteEndpoint(t.Context(), "ep1"); !errors.Is(err, runpod.ErrNotFound) {
			t.Errorf("what was never there: %v", err)
		}
	})
}

func TestManagementRest(t *testing.T) {
	const template = `{"id":"t1","name":"n","image":"i","serverless":true}`
	const volume = `{"id":"v1","name":"n","size":20,"dataCenter":"EU-RO-1","type":"STANDARD"}`
	m := manage(t,
		step("GET", "templates", `{"templates":[`+template+`]}`, nil),
		step("GET", "templates", `{"templates":[]}`, nil),
		step("GET", "templates/t1", template, nil),
		step("POST", "templates", template, `{"name":"n","image":"i","serverless":true,"startSsh":false}`),
		step("PATCH", "templates/t1", template, `{"image":"j"}`),
		runpodtest.Step{Method: "DELETE", Path: "/v2/templates/t1", Status: 204},
		step("GET", "network-volumes", `{"networkVolumes":[`+volume+`]}`, nil),
		step("GET", "network-volumes/v1", volume, nil),
		step("POST", "network-volumes", volume, `{"name":"n","size":20,"dataCenter":"EU-RO-1"}`),
		step("PATCH", "network-volumes/v1", volume, `{"size":30}`),
		runpodtest.Step{Method: "DELETE", Path: "/v2/network-volumes/v1", Status: 204},
		step("GET", "billing/serverless?bucketSize=day&endTime=2026-08-21T00%3A00%3A00Z&serverlessId=ep1&startTime=2026-08-20T00%3A00%3A00Z",
			`{"records":[{"startTime":"2026-08-20T00:00:00Z","endTime":"2026-08-21T00:00:00Z","serverlessId":"ep1","totalAmount":1.25}]}`, nil),
		runpodtest.Step{Method: "POST", Path: "/v2/templates", Status: 422, Header: map[string]string{"Content-Type": "application/problem+json"},
			Reply: `{"title":"Unprocessable Entity","status":422,"detail":"validation failed","errors":[{"location":"body.nam","message":"unexpected property"}]}`},
	)
	ctx := t.Context()
	check := func(what string, err error, ok bool) {
		t.Helper()
		if err != nil || !ok {
			t.Errorf("%s: %v, %v", what, ok, err)
		}
	}
	found, err := m.FindTemplate(ctx, "n")
	check("find", err, found != nil && found.ID == "t1")
	found, err = m.FindTemplate(ctx, "n")
	check("find none", err, found == nil)
	tpl, err := m.Template(ctx, "t1")
	check("template", err, tpl.Serverless)
	_, err = m.CreateTemplate(ctx, runpod.TemplateSpec{Name: "n", Container: runpod.Container{Image: "i"}, Serverless: true, StartSSH: new(bool)})
	check("create template", err, true)
	_, err = m.UpdateTemplate(ctx, "t1", runpod.TemplateSpec{Container: runpod.Container{Image: "j"}})
	check("update template", err, true)
	check("delete template", m.DeleteTemplate(ctx, "t1"), true)
	volumes, err := m.Volumes(ctx)
	check("volumes", err, len(volumes) == 1 && volumes[0].Size == 20)
	v, err := m.Volume(ctx, "v1")
	check("volume", err, v.DataCenter == "EU-RO-1")
	_, err = m.CreateVolume(ctx, runpod.VolumeSpec{Name: "n", Size: 20, DataCenter: "EU-RO-1"})
	check("create volume", err, true)
	_, err = m.ResizeVolume(ctx, "v1", "", 30)
	check("resize", err, true)
	check("delete volume", m.DeleteVolume(ctx, "v1"), true)
	day := time.Date(2026, 8, 20, 0, 0, 0, 0, time.UTC)
	bill, err := m.Billing(ctx, runpod.BillingQuery{Start: day, End: day.AddDate(0, 0, 1), Bucket: "day", Endpoint: "ep1"})
	check("billing", err, len(bill) == 1 && bill[0].TotalAmount == 1.25)
	_, err = m.CreateTemplate(ctx, runpod.TemplateSpec{Name: "n", Container: runpod.Container{Image: "i"}})
	if !errors.Is(err, runpod.ErrBadRequest) || !strings.Contains(err.Error(), "POST /templates") || !strings.Contains(err.Error(), "validation failed; {\"location\":\"body.nam\"") {
		t.Errorf("problem: %v", err)
	}
	for what, err := range map[string]error{
		"template": func() error { _, err := m.CreateTemplate(ctx, runpod.TemplateSpec{}); return err }(),
		"volume": func() error {
			_, err := m.CreateVolume(ctx, runpod.VolumeSpec{Name: "n", Size: 5, DataCenter: "x"})
			return err
		}(),
		"billing": func() error { _, err := m.Billing(ctx, runpod.BillingQuery{}); return err }(),
		"path":    func() error { _, err := m.Template(ctx, "../serverless"); return err }(),
		"id":      m.DeleteEndpoint(ctx, ""),
	} {
		if !errors.Is(err, runpod.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// The answer is in the shape of RunPod's schema, which TestCatalogShape checks.
const catalogReply = `{"gpus":[
	{"id":"NVIDIA A100","name":"A100","pool":"AMPERE_80","manufacturer":"NVIDIA","memory":80,"secure":true,"community":true,"price":{"secure":1.6,"community":1.2,"serverless":2.736},"maxCount":{"secure":8,"community":4},
		"availability":"LOW","dataCenters":[{"id":"EU-RO-1","name":"EU Romania 1","availability":"NONE"},{"id":"US-KS-2","name":"US Kansas 2","availability":"LOW"}],"cudaVersions":[{"version":"12.8","available":true}]},
	{"id":"NVIDIA L4","name":"L4","pool":"AMPERE_24","manufacturer":"NVIDIA","memory":24,"secure":true,"community":false,"price":{"secure":0.4,"community":0,"serverless":0.684},"maxCount":{"secure":8,"community":0},"availability":"NONE"},
	{"id":"NVIDIA A5000","name":"A5000","pool":"AMPERE_24","manufacturer":"NVIDIA","memory":24,"secure":true,"community":false,"price":{"secure":0.4,"community":0,"serverless":0.68},"maxCount":{"secure":8,"community":0},"availability":"HIGH"},
	{"id":"AMD Instinct MI300X","name":"MI300X","pool":null,"manufacturer":"AMD","memory":192,"secure":true,"community":false,"price":{"secure":3,"community":0},"maxCount":{"secure":8,"community":0}},
	{"id":"pods only","name":"p","pool":"X","manufacturer":"UNKNOWN","memory":8,"secure":true,"community":false,"price":{"secure":1,"community":0},"maxCount":{"secure":1,"community":0}}]}`

func TestCatalogShape(t *testing.T) {
	if err := shape.Load(t).Check("ListGpuTypesResponse", []byte(catalogReply)); err != nil {
		t.Fatal(err)
	}
}

func TestCatalog(t *testing.T) {
	m := manage(t, step("GET", "catalog/gpus?count=2&include=AVAILABILITY&product=SERVERLESS", catalogReply, nil))
	gpus, err := m.GPUs(t.Context(), runpod.GPUQuery{Stock: true, Count: 2})
	if err != nil || len(gpus) != 5 {
		t.Fatal(gpus, err)
	}
	if g := gpus[0]; g.MaxCount.Community != 4 || g.Price.Secure != 1.6 || g.DataCenters[0] != (runpod.StockAt{ID: "EU-RO-1", Name: "EU Romania 1", Availability: runpod.StockNone}) || !g.CUDAVersions[0].Available || g.Manufacturer != "NVIDIA" {
		t.Errorf("%+v", g)
	}
	pools := runpod.Pools(gpus)
	if len(pools) != 2 || pools[0].ID != "AMPERE_24" || pools[0].Hourly != 0.684 || pools[0].Stock != runpod.StockHigh || pools[1].Stock != runpod.StockLow || len(pools[0].GPUs) != 2 {
		t.Errorf("pools %+v", pools)
	}
	if hourly, ok := runpod.ListedPrice("HOPPER_141"); !ok || math.Abs(hourly-5.58) > 1e-9 {
		t.Errorf("listed %v, %v", hourly, ok)
	}
	if _, ok := runpod.ListedPrice("none"); ok {
		t.Error("a price for no pool")
	}
	if cost := runpod.Estimate(1500*time.Millisecond, 3600, 2); cost != 4 {
		t.Errorf("estimate %v", cost)
	}
}

// Every list is read to its end. A missing page is an error, because a resource on it would be
// created, and billed, a second time.
func TestPages(t *testing.T) {
	volume := func(id string) string {
		return `{"id":"` + id + `","name":"` + id + `","size":20,"dataCenter":"EU-RO-1","type":"STANDARD"}`
	}
	page := func(cursor, id, more string) runpodtest.Step {
		path := "network-volumes"
		if cursor != "" {
			path += "?cursor=" + cursor
		}
		return step("GET", path, `{"networkVolumes":[`+volume(id)+`],"pagination":{"hasNextPage":`+more+`}}`, nil)
	}
	m := manage(t, page("", "a", `true,"nextCursor":"1"`), page("1", "b", `true,"nextCursor":"2"`), page("2", "c", `false,"nextCursor":null`))
	all, err := m.Volumes(t.Context())
	if err != nil || len(all) != 3 || all[2].ID != "c" {
		t.Errorf("%+v, %v", all, err)
	}
	broken := page("1", "b", `true`)
	broken.Status = 403
	for name, steps := range map[string][]runpodtest.Step{
		"no cursor":      {page("", "a", `true`)},
		"the same twice": {page("", "a", `true,"nextCursor":"1"`), page("1", "b", `true,"nextCursor":"1"`)},
		"no list":        {step("GET", "network-volumes", `{}`, nil)},
		"second refused": {page("", "a", `true,"nextCursor":"1"`), broken},
		"no pagination":  {step("GET", "network-volumes", `{"networkVolumes":[],"pagination":true}`, nil)},
	} {
		if all, err := manage(t, steps...).Volumes(t.Context()); err == nil || all != nil {
			t.Errorf("%s: %v, %v", name, all, err)
		}
	}
	// The other lists work the same way.
	for path, list := range map[string]func(*runpod.Management) (int, error){
		"serverless endpoints": func(m *runpod.Management) (int, error) { l, err := m.Endpoints(t.Context()); return len(l), err },
		"templates templates":  func(m *runpod.Management) (int, error) { l, err := m.Templates(t.Context()); return len(l), err },
		"catalog/gpus gpus": func(m *runpod.Management) (int, error) {
			l, err := m.GPUs(t.Context(), runpod.GPUQuery{})
			return len(l), err
		},
		"serverless/ep/releases releases": func(m *runpod.Management) (int, error) { l, err := m.Releases(t.Context(), "ep"); return len(l), err },
	} {
		path, name, _ := strings.Cut(path, " ")
		m := manage(t, step("GET", path, `{"`+name+`":[{"id":"a"}],"pagination":{"hasNextPage":true,"nextCursor":"n"}}`, nil),
			step("GET", path+"?cursor=n", `{"`+name+`":[{"id":"b"}],"pagination":{"hasNextPage":false}}`, nil))
		if n, err := list(m); n != 2 || err != nil {
			t.Errorf("%s: %d, %v", path, n, err)
		}
	}
	// The list of workers has counts of their states too.
	m = manage(t, step("GET", "serverless/ep/workers", `{"workers":[{"id":"a"}],"summary":{"total":2},"pagination":{"hasNextPage":true,"nextCursor":"n"}}`, nil),
		step("GET", "serverless/ep/workers?cursor=n", `{"workers":[{"id":"b"}],"summary":{"total":2},"pagination":{"hasNextPage":false}}`, nil))
	if w, err := m.Workers(t.Context(), "ep"); err != nil || len(w.Workers) != 2 || w.Summary.Total != 2 {
		t.Errorf("%+v, %v", w, err)
	}
}

// Every request with a body, with all of its fields, is one that RunPod's schema accepts. The other
// requests are checked by runpodtest in the tests above.
func TestBodies(t *testing.T) {
	container := runpod.Container{Image: "user/worker:1", Args: "-x", Disk: 20, Env: map[string]string{"A": "b"}, Ports: []string{"80/http"}, Registry: "reg"}
	full := runpod.EndpointSpec{Name: "n", Type: runpod.TypeQueue, Container: container, TemplateID: "t", Scaling: runpod.ScaleOnDelay(4 * time.Second),
		GPU:     &runpod.GPUChoice{Pools: []string{"ADA_24"}, ExcludedTypes: []string{"NVIDIA L4"}, Count: 2, MinCUDAVersion: "12.4"},
		Workers: &runpod.WorkerBounds{Min: 0, Max: 3, IdleTimeout: 5}, DataCenterIDs: []string{"EU-RO-1"}, NetworkVolumes: []string{"v"}, Timeout: 1000, FlashBoot: runpod.FlashBootOn}
	requests := full
	requests.Scaling, requests.Workers, requests.GPU = runpod.ScaleOnRequests(2), &runpod.WorkerBounds{Max: 1}, nil
	requests.CPU = []runpod.CPUChoice{{ID: "cpu3g", VCPUCount: 2}}
	allowed := full
	allowed.GPU = &runpod.GPUChoice{Pools: []string{"ADA_24"}, AllowedCUDAVersions: []string{"12.8"}}
	yes := true
	template := runpod.TemplateSpec{Name: "t", Container: container, Serverless: true, Public: true, Category: "NVIDIA", AllowedCUDAVersions: []string{"12.8"}, StartSSH: &yes, StartJupyter: &yes}
	ctx, seen := t.Context(), map[string]bool{}
	ask := func(method, path string, do func(m *runpod.Management) error) {
		t.Helper()
		name, _, _ := shape.Load(t).Find(method, "/v2/"+path)
		seen[name] = true
		if err := do(manage(t, step(method, path, `{"id":"x"}`, nil))); err != nil {
			t.Errorf("%s %s: %v", method, path, err)
		}
	}
	for _, s := range []runpod.EndpointSpec{full, requests, allowed} {
		ask("POST", "serverless", func(m *runpod.Management) error { _, err := m.CreateEndpoint(ctx, s); return err })
		ask("PATCH", "serverless/x", func(m *runpod.Management) error { _, err := m.UpdateEndpoint(ctx, "x", s); return err })
	}
	ask("POST", "templates", func(m *runpod.Management) error { _, err := m.CreateTemplate(ctx, template); return err })
	ask("PATCH", "templates/x", func(m *runpod.Management) error { _, err := m.UpdateTemplate(ctx, "x", template); return err })
	ask("POST", "network-volumes", func(m *runpod.Management) error {
		_, err := m.CreateVolume(ctx, runpod.VolumeSpec{Name: "v", Size: 10, DataCenter: "EU-RO-1", Type: "HIGH_PERFORMANCE"})
		return err
	})
	ask("PATCH", "network-volumes/x", func(m *runpod.Management) error { _, err := m.ResizeVolume(ctx, "x", "w", 30); return err })
	for name, op := range shape.Load(t).Operations {
		if strings.Contains(name, "/v2/registries") {
			continue // in the table for the local endpoint; the client manages no credentials
		}
		if op.Body != "" && !seen[name] {
			t.Errorf("%s has a body, and no request of the client was checked", name)
		}
	}
}

func TestWorkerLogs(t *testing.T) {
	frame := func(id, line string) string {
		return "id: " + id + "\ndata: {\"source\":\"container\",\"line\":\"" + line + "\",\"ts\":\"2026-08-20T10:00:00Z\"}\n\n"
	}
	logs := func(query, reply, after string) runpodtest.Step {
		s := step("GET", "serverless/ep1/workers/w/logs"+query, reply, nil)
		s.Check = func(t testing.TB, h http.Header, body []byte) {
			if h.Get("Accept") != "text/event-stream" || h.Get("Last-Event-ID") != after {
				t.Errorf("header %v", h)
			}
		}
		return s
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		m := manage(t, logs("?source=container&tail=10", frame("1", "a")+frame("2", "b")+"data: cut", ""), logs("?source=container&tail=10", frame("3", "c")+": ping\n\ndata: no json\n\n", "2"))
		var lines []string
		for l, err := range m.WorkerLogs(ctx, "ep1", "w", runpod.LogQuery{Source: "container", Tail: 10, Follow: true}) {
			if err != nil {
				t.Fatal(err)
			}
			if lines = append(lines, l.Text); len(lines) == 4 {
				break
			}
		}
		if want := []string{"a", "b", "c", "no json"}; !slices.Equal(lines, want) {
			t.Errorf("got %q, want %q", lines, want)
		}
		for _, err := range manage(t, failing(logs("", "", ""), 404)).WorkerLogs(ctx, "ep1", "w", runpod.LogQuery{}) {
			if !errors.Is(err, runpod.ErrNotFound) {
				t.Errorf("no such worker: %v", err)
			}
		}
	})
}

// quiet is a log that stays open without a new line.
type quietLog struct{ lines string }

func (q quietLog) RoundTrip(r *http.Request) (*http.Response, error) {
	reader, writer := io.Pipe()
	go io.WriteString(writer, q.lines)
	return &http.Response{StatusCode: 200, Body: reader, Request: r}, nil
}

func TestWorkerLogsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, err := runpod.New(runpod.Config{Transport: quietLog{"data: {\"line\":\"a\"}\n\ndata: {\"line\":\"b\"}\n\n"}})
		if err != nil {
			t.Fatal(err)
		}
		begin, n := time.Now(), 0
		for l, err := range client.Management().WorkerLogs(t.Context(), "ep1", "w", runpod.LogQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			time.Sleep(5 * time.Second) // a slow reader misses nothing
			_ = l
		}
		if took := time.Since(begin); n != 2 || took != 12*time.Second {
			t.Errorf("%d lines in %v", n, took)
		}
	})
}
