package local

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const trainerSpec = `{"name":"trainer","type":"QUEUE","image":"user/worker:1","scaling":{"type":"QUEUE_DELAY","queueDelay":4},"gpu":{"pools":["ADA_24"]},"timeout":300000`

func TestManagedEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Handler: echo})
		defer s.Close()
		code, e := call(t, s, "POST", "/v2/serverless", trainerSpec+`,"workers":{"max":2,"idleTimeout":5},"env":{"A":"b"}}`)
		if code != 201 || e["name"] != "trainer" || e["requestUrls"].(map[string]any)["purgeQueue"] == nil || e["createdAt"] == nil {
			t.Fatal(code, e)
		}
		if w := e["workers"].(map[string]any); w["min"] != 0.0 || w["max"] != 2.0 || w["idleTimeout"] != 5.0 {
			t.Error(w)
		}
		id := e["id"].(string)
		_, m := call(t, s, "POST", "/v2/"+id+"/runsync", `{"input":{"value":7}}`)
		if m["output"] != 7.0 {
			t.Fatal(m)
		}
		_, ws := call(t, s, "GET", "/v2/serverless/"+id+"/workers", "")
		if ws["summary"].(map[string]any)["idle"] != 1.0 || ws["workers"].([]any)[0].(map[string]any)["image"] != "user/worker:1" {
			t.Error(ws)
		}
		_, e = call(t, s, "PATCH", "/v2/serverless/"+id, `{"workers":{"min":2},"image":"user/worker:2"}`)
		synctest.Wait()
		if w := e["workers"].(map[string]any); w["min"] != 2.0 || w["max"] != 2.0 || w["idleTimeout"] != 5.0 || e["image"] != "user/worker:2" {
			t.Error(e)
		}
		_, ws = call(t, s, "GET", "/v2/serverless/"+id+"/workers", "")
		if ws["summary"].(map[string]any)["total"] != 2.0 || ws["endpointVersion"] != 2.0 {
			t.Error(ws)
		}
		_, rel := call(t, s, "GET", "/v2/serverless/"+id+"/releases", "")
		diff, _ := json.Marshal(rel["releases"].([]any)[0].(map[string]any)["diff"])
		if !strings.Contains(string(diff), `{"field":"image","new":"user/worker:2","old":"user/worker:1"}`) {
			t.Error(string(diff))
		}
		if _, all := call(t, s, "GET", "/v2/serverless", ""); len(all["endpoints"].([]any)) != 2 {
			t.Error(all)
		}
		block := func() string {
			_, m := call(t, s, "POST", "/v2/"+id+"/run", `{"input":{"block":true}}`)
			return m["id"].(string)
		}
		block()
		synctest.Wait()
		if code, text := callRaw(t, s, "DELETE", "/v2/serverless/"+id, ""); code != 204 || text != "" {
			t.Error(code, text)
		}
		if code, _ := call(t, s, "GET", "/v2/"+id+"/health", ""); code != 404 {
			t.Error(code)
		}
		if code, _ := call(t, s, "GET", "/v2/serverless/"+id, ""); code != 404 {
			t.Error(code)
		}
		if code, _ := call(t, s, "DELETE", "/v2/serverless/local", ""); code != 409 {
			t.Error(code)
		}
	})
}

func TestManageRefuses(t *testing.T) {
	s := newServer(t, Options{})
	_, v := call(t, s, "POST", "/v2/network-volumes", `{"name":"v","size":20,"dataCenter":"LOCAL-1"}`)
	volume := "/v2/network-volumes/" + v["id"].(string)
	for _, c := range []struct {
		method, path, body, says string
		code                     int
	}{
		{"POST", "/v2/serverless", trainerSpec + `,"gpuIds":["x"]}`, "body.gpuIds", 422},
		{"POST", "/v2/serverless", trainerSpec + `,"workers":{"maximum":3}}`, "body.maximum", 422},
		{"POST", "/v2/serverless", trainerSpec + `,"name":7}`, "body.name", 422},
		{"POST", "/v2/serverless", `{"type":"QUEUE"}`, "body.name", 422},
		{"POST", "/v2/serverless", `{"name":"n","type":"POD"}`, "body.type", 422},
		{"POST", "/v2/serverless", `{"name":"n","type":"QUEUE"}`, "body.scaling", 422},
		{"POST", "/v2/serverless", `{"name":"n","type":"QUEUE","scaling":{"type":"QUEUE_DELAY","queueDelay":0.1}}`, "queueDelay", 422},
		{"POST", "/v2/serverless", `{"name":"n","type":"QUEUE","scaling":{"type":"REQUEST_COUNT","requestCount":1}}`, "gpu and cpu", 422},
		{"POST", "/v2/serverless", trainerSpec + `,"gpu":{"pools":["ADA_25"]}}`, "ADA_25", 422},
		{"POST", "/v2/serverless", trainerSpec + `,"gpu":{"pools":["ADA_24"],"allowedCudaVersions":["12.8"],"minCudaVersion":"12.4"}}`, "minCudaVersion", 422},
		{"POST", "/v2/serverless", trainerSpec + `,"image":""}`, "image", 422},
		{"POST", "/v2/serverless", trainerSpec + `,"templateId":"none"}`, "templateId", 422},
		{"POST", "/v2/serverless", trainerSpec + `,"workers":{"idleTimeout":4000}}`, "idleTimeout", 422},
		{"POST", "/v2/serverless", trainerSpec + `,"scaling":{"type":"REQUEST_COUNT","requestCount":1,"queueDelay":0},"workers":{"idleTimeout":5}}`, "idleTimeout", 422},
		{"POST", "/v2/serverless", trainerSpec + `,"workers":{"min":4}}`, "min \\u003c= max", 422},
		{"POST", "/v2/serverless", trainerSpec, "invalid JSON", 400},
		{"PATCH", "/v2/serverless/local", `{"gpu":null,"cpu":[{"id":"cpu3c","vcpuCount":2}]}`, "between gpu and cpu", 422},
		{"PATCH", "/v2/serverless/none", `{}`, "not found", 404},
		{"PUT", "/v2/serverless/local", `{}`, "method", 405},
		{"GET", "/v2/serverless/local/pods", "", "not found", 404},
		{"GET", "/v2/serverless/local/workers/none/logs", "", "not found", 404},
		{"POST", "/v2/templates", `{"name":"t"}`, "image", 422},
		{"POST", "/v2/templates", `{"name":"t","image":"i","category":"TPU"}`, "category", 422},
		{"POST", "/v2/network-volumes", `{"name":"v","size":5,"dataCenter":"x"}`, "10 to 4096", 422},
		{"PATCH", volume, `{"size":10}`, "grow", 422},
		{"PATCH", volume, `{"dataCenter":"y"}`, "body.dataCenter", 422},
		{"GET", "/v2/catalog/gpus?include=AVAILABILITY", "", "needs a product", 400},
		{"GET", "/v2/catalog/gpus/none", "", "not found", 404},
		{"GET", "/v2/billing/planets", "", "not found", 404},
		{"GET", "/v2/billing/pods/x", "", "not found", 404},
		{"GET", "/v2/catalog/cpus?include=AVAILABILITY", "", "needs a product", 400},
		{"GET", "/v2/catalog/cpus?vcpuCount=3", "", "power of 2", 400},
		{"GET", "/v2/catalog/cpus/none", "", "not found", 404},
		{"GET", "/v2/catalog/templates?source=nowhere", "", "source", 400},
		{"GET", "/v2/catalog/templates/x", "", "not found", 404},
		{"GET", "/v2/catalog/datacenters?networkVolumeTypes=FAST", "", "networkVolumeTypes", 400},
		{"POST", "/v2/serverless", `{"name":"n","type":"QUEUE","image":"i","scaling":{"type":"QUEUE_DELAY","queueDelay":4},"cpu":[{"id":"cpu9","vcpuCount":2}]}`, "cpu9", 422},
		{"POST", "/v2/registries", `{"name":"n","username":"u"}`, "body.password", 422},
		{"POST", "/v2/registries", `{"name":"n","username":"u","password":"p","region":"x"}`, "body.region", 422},
		{"GET", "/v2/registries/none", "", "not found", 404},
		{"PATCH", "/v2/registries/none", `{}`, "method", 405},
		{"POST", "/v2/registries/delegations", `{"resource":"x"}`, "no delegations", 501},
		{"GET", "/v2/billing/serverless?bucketSize=minute", "", "bucketSize", 400},
		{"GET", "/v2/billing/serverless?lastN=0", "", "lastN", 400},
		{"GET", "/v2/billing/serverless?startTime=yesterday", "", "startTime", 400},
		{"GET", "/v2/billing/serverless?startTime=2026-01-02T00:00:00Z&endTime=2026-01-01T00:00:00Z", "", "endTime", 400},
	} {
		code, text := callRaw(t, s, c.method, c.path, c.body)
		var p problem
		if err := json.Unmarshal([]byte(text), &p); err != nil || code != c.code || p.Status != c.code || p.Title == "" || !strings.Contains(text, c.says) {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, code, text)
		}
	}
}

func TestTemplatesAndVolumes(t *testing.T) {
	s := newServer(t, Options{})
	code, tpl := call(t, s, "POST", "/v2/templates", `{"name":"t","image":"user/worker:1","serverless":true,"env":{"A":"1","B":"2"},"disk":20,"startSsh":false}`)
	if code != 201 {
		t.Fatal(code, tpl)
	}
	id := tpl["id"].(string)
	_, e := call(t, s, "POST", "/v2/serverless", `{"name":"n","type":"QUEUE","templateId":"`+id+`","env":{"B":"3"},"scaling":{"type":"REQUEST_COUNT","requestCount":2},"gpu":{"pools":["AMPERE_80"],"count":2}}`)
	if fmt.Sprint(e["env"]) != "map[A:1 B:3]" || e["image"] != "user/worker:1" || e["disk"] != 20.0 || e["templateId"] != nil {
		t.Error(e)
	}
	if _, again := call(t, s, "PATCH", "/v2/templates/"+id, `{"image":"user/worker:2"}`); again["image"] != "user/worker:2" || again["name"] != "t" || again["startSsh"] != false {
		t.Error(again)
	}
	endpoint := "/v2/serverless/" + e["id"].(string)
	if _, e = call(t, s, "PATCH", endpoint, `{"templateId":"`+id+`","env":{"C":"4"}}`); e["image"] != "user/worker:2" || fmt.Sprint(e["env"]) != "map[A:1 B:2 C:4]" || e["disk"] != 20.0 {
		t.Error("a template in an update: ", e)
	}
	if code, _ := callRaw(t, s, "DELETE", "/v2/templates/"+id, ""); code != 204 {
		t.Error(code)
	}
	if _, all := call(t, s, "GET", "/v2/templates", ""); len(all["templates"].([]any)) != 0 {
		t.Error(all)
	}
	_, v := call(t, s, "POST", "/v2/network-volumes", `{"name":"v","size":20,"dataCenter":"LOCAL-1"}`)
	if _, v = call(t, s, "PATCH", "/v2/network-volumes/"+v["id"].(string), `{"size":30}`); v["size"] != 30.0 || v["type"] != "STANDARD" {
		t.Error(v)
	}
	_, gpus := call(t, s, "GET", "/v2/catalog/gpus?include=AVAILABILITY&product=SERVERLESS", "")
	if g := gpus["gpus"].([]any)[0].(map[string]any); g["availability"] != "HIGH" || g["price"].(map[string]any)["serverless"] != 0.576 {
		t.Error(g)
	}
}

func TestBilling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Handler: echo, Scaling: &Scaling{Max: 1, IdleTimeout: 30 * time.Minute, ColdStart: 10 * time.Second}, PricePerHour: 3.6})
		defer s.Close()
		total := func(query string) (records []any, amount float64) {
			code, m := call(t, s, "GET", "/v2/billing/serverless?"+query, "")
			if code != 200 {
				t.Fatal(m)
			}
			return m["records"].([]any), m["metadata"].(map[string]any)["totals"].(map[string]any)["totalAmount"].(float64)
		}
		if r, _ := total("lastN=5"); len(r) != 0 {
			t.Error(r)
		}
		id := mustRun(t, s, `{"input":{"block":true},"policy":{"executionTimeout":7200000}}`)
		// Cancel the job: a worker whose job exceeds its executionTimeout is stopped and
		// would not idle.
		time.AfterFunc(time.Hour+10*time.Second, func() { callRaw(t, s, "POST", "/v2/local/cancel/"+id, "") })
		time.Sleep(30 * time.Minute)
		if r, a := total("lastN=5"); len(r) != 1 || a < 1.79 || a > 1.81 {
			t.Error(r, a)
		}
		time.Sleep(3 * time.Hour)
		// 10 s of start, an hour of work, 30 min idle, at $0.001 per second.
		r, a := total("lastN=5&bucketSize=hour&serverlessId=local")
		if len(r) != 2 || a < 5.40 || a > 5.42 {
			t.Error(r, a)
		}
		if r, b := total("lastN=1&bucketSize=day"); len(r) != 1 || b != a {
			t.Error(r, b)
		}
		if r, _ := total("lastN=5&serverlessId=other"); len(r) != 0 {
			t.Error(r)
		}
	})
}

func TestBuckets(t *testing.T) {
	at := time.Date(2026, 11, 23, 22, 10, 5, 0, time.UTC) // a Monday
	for bucket, want := range map[string]string{"hour": "2026-11-23T22", "day": "2026-11-23T00", "week": "2026-11-23T00", "month": "2026-11-01T00", "year": "2026-01-01T00"} {
		begin := bucketOf(at, bucket)
		if got := begin.Format("2006-01-02T15"); got != want || !bucketEnd(begin, bucket).After(at) || !bucketOf(bucketEnd(begin, bucket), bucket).Equal(bucketEnd(begin, bucket)) {
			t.Errorf("%s: %s", bucket, got)
		}
	}
	if got := bucketOf(at.AddDate(0, 0, 6), "week"); !got.Equal(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)) {
		t.Error(got)
	}
}

func TestWorkerLogs(t *testing.T) {
	s, do := start(t, Options{Handler: echo})
	_, b := do("POST", "/runsync", []byte(`{"input":{"value":1}}`))
	var v struct{ WorkerID string }
	json.Unmarshal(b, &v)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	open := func(query, lastID string) *bufio.Scanner {
		req, _ := http.NewRequestWithContext(ctx, "GET", s.BaseURL()+"/serverless/local/workers/"+v.WorkerID+"/logs?"+query, nil)
		req.Header.Set("Authorization", s.Key())
		req.Header.Set("Last-Event-ID", lastID)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		if ct := resp.Header.Get("Content-Type"); ct != "text/event-stream" {
			t.Fatal(ct)
		}
		return bufio.NewScanner(resp.Body)
	}
	next := func(sc *bufio.Scanner) (id string, l logEntry) {
		for sc.Scan() {
			if after, ok := strings.CutPrefix(sc.Text(), "id: "); ok {
				id = after
			}
			if after, ok := strings.CutPrefix(sc.Text(), "data: "); ok {
				json.Unmarshal([]byte(after), &l)
				return id, l
			}
		}
		t.Fatal("the log ended: ", sc.Err())
		return
	}
	all := open("", "")
	var texts []string
	var first string
	for i := range 4 {
		id, l := next(all)
		if i == 0 {
			first = id
		}
		texts = append(texts, l.Source+": "+strings.Fields(l.Line)[0])
	}
	if fmt.Sprint(texts) != "[system: worker system: worker container: started container: finished]" {
		t.Error(texts)
	}
	if _, l := next(open("tail=1&source=system", "")); l.Line != "worker is ready" {
		t.Error(l)
	}
	if _, l := next(open("tail=0", first)); l.Line != "worker is ready" {
		t.Error(l)
	}
	quiet := open("tail=0", "")
	do("POST", "/runsync", []byte(`{"input":{"value":1}}`))
	if _, l := next(all); !strings.HasPrefix(l.Line, "started job sync-") {
		t.Error(l)
	}
	if _, l := next(quiet); !strings.HasPrefix(l.Line, "started job sync-") {
		t.Error(l)
	}
}

func TestLineWriter(t *testing.T) {
	l := newWorkerLogs(new(SkipClock))
	w := &lineWriter{logs: l, workerID: "w"}
	fmt.Fprint(w, "one\r\ntw")
	fmt.Fprint(w, "o\n\xff\n", strings.Repeat("x", logLine+5))
	got, _, _ := l.after("w", time.Time{})
	if len(got) != 4 || got[0].Line != "one" || got[1].Line != "two" || got[2].Line != "\uFFFD" || len(got[3].Line) != logLine {
		t.Error(got)
	}
	for i := 1; i < len(got); i++ {
		if !got[i].TS.After(got[i-1].TS) {
			t.Error("times are not distinct")
		}
	}
}

func TestManageWantsKey(t *testing.T) {
	s := newServer(t, Options{})
	for _, path := range []string{"/v2/serverless", "/v2/templates", "/v2/catalog/gpus", "/twin/faults"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", path+"?token="+s.token(), nil))
		if w.Code != 401 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}
