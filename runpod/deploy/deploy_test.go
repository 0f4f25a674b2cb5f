package deploy

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/shape"
	"github.com/gopherpod/gopherpod/worker/local"
)

// deploy plans and applies.
func deploy(t *testing.T, client *runpod.Client, o Options) (runpod.EndpointID, string) {
	t.Helper()
	p, err := NewPlan(t.Context(), client.Management(), o)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	text := p.String()
	id, err := p.Apply(t.Context(), client, &out)
	if err != nil {
		t.Fatal(err)
	}
	return id, text + out.String()
}

func TestDeployTwiceIsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, client := newTwin(t, local.Options{Handler: answer})
		m := client.Management()
		id, text := deploy(t, client, Options{Image: "you/worker:1", Env: map[string]string{"A": "b"}})
		wants(t, text, "gopherpod, to be made", "AMPERE_16 (RTX A4000; 16 GB, $0.576 an hour, stock HIGH)", "nothing while no worker is up",
			"endpoint gopherpod ("+string(id)+"): made", "check job: done on Test  [31mGPU, PyTorch 2.11")
		e, err := m.Endpoint(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if e.Timeout != 3_600_000 || e.FlashBoot != runpod.FlashBootOn || e.Env["A"] != "b" || *e.Workers != (runpod.WorkerBounds{Max: 1, IdleTimeout: 10}) ||
			!slices.Equal(e.GPU.Pools, []string{"AMPERE_16", "AMPERE_24", "ADA_24"}) || e.GPU.MinCUDAVersion != "13.0" {
			t.Errorf("%+v, %+v", e, e.GPU)
		}
		again, text := deploy(t, client, Options{})
		wants(t, text, "exists as "+string(id), "change     none", "as it was")
		if named, _ := deploy(t, client, Options{Name: string(id), Image: "you/worker:1"}); named != id {
			t.Errorf("named by its id it is made again, %s", named)
		}
		if again != id {
			t.Errorf("a second endpoint, %s", again)
		}
		if r, err := m.Releases(t.Context(), id); err != nil || len(r) != 1 || slices.Contains(w.sent, "PATCH /v2/serverless/"+string(id)) {
			t.Errorf("%v, %d releases, sent %v: workers start anew for nothing", err, len(r), w.sent)
		}
		_, text = deploy(t, client, Options{Image: "you/worker:2", MinWorkers: new(2), Memory: 80, Timeout: 2 * time.Hour, Env: map[string]string{"SECRET": "hush"}, GPUs: 2})
		wants(t, text, `image: "you/worker:1" -> "you/worker:2"`, "env\n", "2 of AMPERE_80", "2 always on", "$5.472", "timeout: 3600000 -> 7200000", "changed")
		if strings.Contains(text, "hush") {
			t.Error("the environment shows")
		}
		e, _ = m.Endpoint(t.Context(), id)
		if e.Workers.Min != 2 || e.Workers.Max != 2 || e.Image != "you/worker:2" || e.Env["A"] != "b" || e.GPU.Count != 2 {
			t.Errorf("%+v", e)
		}
		deploy(t, client, Options{Addresses: "https://s3.example/data/gopherpod/", Env: map[string]string{"GOPHERPOD_ALLOW_URLS": "https://own.example/"}})
		deploy(t, client, Options{Addresses: "https://s3.example/data/gopherpod/"})
		if e, _ = m.Endpoint(t.Context(), id); e.Env["GOPHERPOD_ALLOW_URLS"] != "https://own.example/,https://s3.example/data/gopherpod/" {
			t.Errorf("the bucket is not allowed, or twice: %v", e.Env)
		}
		all, _ := m.Templates(t.Context())
		if len(all) != 1 || all[0].Image != "you/worker:2" || all[0].Name != "gopherpod-worker" {
			t.Errorf("templates %+v", all)
		}
	})
}

// A resource that was created although the service answered 502 is found, and not created
// twice.
func TestCreateWithLostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, client := newTwin(t, local.Options{Handler: answer})
		lost := map[string]bool{}
		w.lose = func(r *http.Request) bool {
			create := r.Method == http.MethodPost && !strings.Contains(r.URL.Path, "/run") && !lost[r.URL.Path]
			if create {
				lost[r.URL.Path] = true
			}
			return create
		}
		id, text := deploy(t, client, Options{Image: "you/worker:1", Volume: "data", VolumeSize: 20, DataCenter: "LOCAL-1"})
		wants(t, text, "data, to be made: 20 GB in LOCAL-1, about $1.40 a month", "): made", "endpoint gopherpod ("+string(id))
		if len(lost) != 3 {
			t.Errorf("lost answers: %v", lost)
		}
		e, err := client.Management().Endpoint(t.Context(), id)
		if err != nil || len(e.NetworkVolumes) != 1 || !slices.Equal(e.DataCenterIDs, []string{"LOCAL-1"}) {
			t.Errorf("%v, %+v", err, e)
		}
		deploy(t, client, Options{Volume: "data"})
		creates := slices.DeleteFunc(w.sent, func(s string) bool {
			return s != "POST /v2/serverless" && s != "POST /v2/templates" && s != "POST /v2/network-volumes"
		})
		if len(creates) != 3 {
			t.Errorf("made %v", creates)
		}
	})
}

// The service returns lists in pages. An endpoint on a later page is found; otherwise it
// would be created, and billed, a second time.
func TestDeployOverPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, client := newTwin(t, local.Options{Handler: answer, PageSize: 1})
		m := client.Management()
		for _, name := range []string{"one", "two", "data", "three"} {
			if _, err := m.CreateVolume(t.Context(), runpod.VolumeSpec{Name: name, Size: 10, DataCenter: "EU-RO-1"}); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"a", "b", "c"} {
			deploy(t, client, Options{Name: name, Image: "you/worker:1", Volume: "data"})
		}
		made := len(w.sent)
		for _, name := range []string{"a", "b", "c"} {
			_, text := deploy(t, client, Options{Name: name, Volume: "data", VolumeSize: 10, DataCenter: "EU-RO-1"})
			wants(t, text, "change     none")
		}
		for _, s := range w.sent[made:] {
			if strings.HasPrefix(s, "POST /v2/") && shape.Managed(strings.TrimPrefix(s, "POST ")) {
				t.Errorf("%s, though everything is there", s)
			}
		}
	})
}

// If the catalogue does not answer, named and existing pools have the listed price, which
// says its date. No pool is chosen without the catalogue.
func TestDeployWithoutCatalogue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, client := newTwin(t, local.Options{Handler: answer})
		w.lose = func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/v2/catalog/") }
		_, text := deploy(t, client, Options{Image: "you/worker:1", Pools: []string{"ADA_24"}})
		wants(t, text, "ADA_24 ($1.116 an hour as of "+runpod.PricesAsOf+")")
		_, text = deploy(t, client, Options{})
		wants(t, text, "as of "+runpod.PricesAsOf, "change     none")
		if _, err := NewPlan(t.Context(), client.Management(), Options{Name: "other", Image: "i"}); err == nil || !strings.Contains(err.Error(), "--gpu POOL") {
			t.Error(err)
		}
	})
}

func TestPlanChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, client := newTwin(t, local.Options{Handler: answer})
		if _, err := NewPlan(t.Context(), client.Management(), Options{Image: "i", Volume: "v", VolumeSize: 10, DataCenter: "LOCAL-1"}); err != nil {
			t.Fatal(err)
		}
		if len(w.sent) > 0 {
			t.Error(w.sent)
		}
	})
}

func TestPlanRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		_, client := newTwin(t, local.Options{Handler: answer})
		for _, c := range []struct {
			o    Options
			want string
		}{
			{Options{}, "no image"},
			{Options{Image: "a b"}, "not the name of an image"},
			{Options{Image: "-i"}, "not the name of an image"},
			{Options{Image: "i", Memory: 500}, "no GPU has 500 GB"},
			{Options{Image: "i", Memory: -1}, "negative"},
			{Options{Image: "i", Pools: []string{"ADA_25"}}, "unknown pool of GPUs \"ADA_25\"; there are AMPERE_16"},
			{Options{Image: "i", MinWorkers: new(2), MaxWorkers: 1}, "more than --max-workers"},
			{Options{Image: "i", MinWorkers: new(-1)}, "negative"},
			{Options{Image: "i", IdleTimeout: 2 * time.Hour}, "1s to 1h"},
			{Options{Image: "i", Timeout: time.Second}, "5s to 168h"},
			{Options{Image: "i", FlashBoot: "fast"}, "on, priority or off"},
			{Options{Image: "i", Volume: "none"}, "no volume"},
			{Options{Image: "i", VolumeSize: 10}, "wants --volume"},
			{Options{Image: "i", Env: map[string]string{"RUNPOD_API_KEY": "x"}}, "no key of yours"},
			{Options{Image: "i", Wait: -1}, "negative"},
		} {
			_, err := NewPlan(t.Context(), client.Management(), c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%+v: %v, want %s", c.o, err, c.want)
			}
		}
	})
}

// If the check job waits, deploy says why and cancels it in the end; the endpoint stays.
func TestCheckExplainsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := newTwin(t, local.Options{}) // no worker will come
		p, err := NewPlan(t.Context(), client.Management(), Options{Image: "i", Wait: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		id, err := p.Apply(t.Context(), client, &out)
		if id == "" || err == nil {
			t.Fatal(id, err)
		}
		wants(t, out.String(), "no worker: none is starting")
		wants(t, err.Error(), "did not end within 1m0s (no worker: none is starting", "was cancelled; the endpoint stays")
		h, err := client.Endpoint(id).Health(t.Context())
		if err != nil || h.Jobs.InQueue != 0 {
			t.Errorf("%v, %+v: the job was not cancelled", err, h)
		}
	})
}

func TestCheckWaitsForColdStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := newTwin(t, local.Options{Handler: answer, Scaling: &local.Scaling{Max: 1, ColdStart: 40 * time.Second}})
		_, text := deploy(t, client, Options{Image: "i"})
		wants(t, text, "1 worker is starting (5 s so far)\n", "check job: done")
		if strings.Count(text, "is starting") != 1 {
			t.Error(text)
		}
	})
}

func TestInterruptCancelsCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := newTwin(t, local.Options{})
		p, err := NewPlan(t.Context(), client.Management(), Options{Image: "i"})
		if err != nil {
			t.Fatal(err)
		}
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(20*time.Second, func() { cancel(stop) })
		id, err := p.Apply(ctx, client, new(strings.Builder))
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
		if h, err := client.Endpoint(id).Health(t.Context()); err != nil || h.Jobs.InQueue != 0 {
			t.Errorf("%v, %+v", err, h)
		}
	})
}

func TestReportRefusesOtherWorkers(t *testing.T) {
	for _, output := range []string{`"hello"`, `{"status":"success"}`, `[]`, `null`, `{"gpu_info":7}`} {
		if err := report(&runpod.Job{Output: []byte(output)}, new(strings.Builder)); err == nil || !strings.Contains(err.Error(), "not that of a Gopherpod worker") {
			t.Errorf("%s: %v", output, err)
		}
	}
	list := `[{"gpu_info":{"device_name":"cpu"}}]`
	if err := report(&runpod.Job{Output: []byte(list)}, new(strings.Builder)); err != nil {
		t.Error(err)
	}
}

func TestPick(t *testing.T) {
	all := []runpod.EndpointInfo{
		{ID: "a1", EndpointSpec: runpod.EndpointSpec{Name: "nets -fb"}}, {ID: "b2", EndpointSpec: runpod.EndpointSpec{Name: "two"}},
		{ID: "c3", EndpointSpec: runpod.EndpointSpec{Name: "two -fb"}}, {ID: "d4", EndpointSpec: runpod.EndpointSpec{Name: "a1"}},
	}
	for name, want := range map[string]runpod.EndpointID{"nets": "a1", "nets -fb": "a1", "a1": "a1", "d4": "d4", "c3": "c3", "none": ""} {
		var got runpod.EndpointID
		e, err := pick(all, name)
		if e != nil {
			got = e.ID
		}
		if err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, want)
		}
	}
	if _, err := pick(all, "two"); err == nil || !strings.Contains(err.Error(), "several endpoints are named") {
		t.Error(err)
	}
}

// A check job that may have been accepted is not sent again.
func TestCheckWithLostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, client := newTwin(t, local.Options{Handler: answer})
		w.lose = func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/run") }
		p, err := NewPlan(t.Context(), client.Management(), Options{Image: "i"})
		if err != nil {
			t.Fatal(err)
		}
		id, err := p.Apply(t.Context(), client, new(strings.Builder))
		if id == "" || !errors.Is(err, runpod.ErrUnknownOutcome) || !strings.Contains(err.Error(), "endpoint show tells") {
			t.Error(id, err)
		}
		if n := len(slices.DeleteFunc(w.sent, func(s string) bool { return !strings.HasSuffix(s, "/run") })); n != 1 {
			t.Errorf("sent %d times", n)
		}
	})
}

// Zero workers run no check job.
func TestScaledToZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := newTwin(t, local.Options{Handler: answer})
		id, _ := deploy(t, client, Options{Image: "i"})
		m := client.Management()
		if _, err := m.UpdateEndpoint(t.Context(), id, runpod.EndpointSpec{Workers: &runpod.WorkerBounds{IdleTimeout: 10}}); err != nil {
			t.Fatal(err)
		}
		if _, err := NewPlan(t.Context(), m, Options{}); err == nil || !strings.Contains(err.Error(), "scaled to 0 workers") {
			t.Error(err)
		}
		deploy(t, client, Options{MaxWorkers: 2})
	})
}

func TestAllowCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := newTwin(t, local.Options{Handler: answer})
		m := client.Management()
		id, text := deploy(t, client, Options{Image: "you/worker:1"})
		if strings.Contains(text, "code ") {
			t.Errorf("a new endpoint allows code: %s", text)
		}
		allowed := func() string {
			e, err := m.Endpoint(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return e.Env["GOPHERPOD_ALLOW_CODE"]
		}
		_, text = deploy(t, client, Options{AllowCode: new(true)})
		wants(t, text, "code       jobs may bring models as Python", "change     env")
		if _, text = deploy(t, client, Options{}); allowed() != "1" || !strings.Contains(text, "change     none") {
			t.Errorf("%q, %s", allowed(), text)
		}
		deploy(t, client, Options{AllowCode: new(false)})
		if allowed() == "1" {
			t.Error("code is still allowed")
		}
		o := Options{AllowCode: new(true), Env: map[string]string{"GOPHERPOD_ALLOW_CODE": "1"}}
		if err := o.check(); err == nil || !strings.Contains(err.Error(), "exclude each other") {
			t.Error(err)
		}
	})
}
