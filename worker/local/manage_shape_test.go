package local

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod/shape"
)

// Every operation of RunPod's schema has valid answers: when it succeeds, when the id is
// unknown, without the key, and when there are too many requests. call checks the
// answers; this test checks that none is left out.
func TestManagementShapes(t *testing.T) {
	s := newServer(t, Options{Handler: echo, PageSize: 1})
	seen := map[string]bool{}
	table := shape.Load(t)
	do := func(method, path, body string, want int) map[string]any {
		t.Helper()
		bare, _, _ := strings.Cut(path, "?")
		name, _, ok := table.Find(method, bare)
		if !ok {
			t.Fatalf("%s %s is not in the schema", method, path)
		}
		code, text := callRaw(t, s, method, path, body)
		if code != want {
			t.Fatalf("%s %s: %d %s", method, path, code, text)
		}
		seen[fmt.Sprint(name, " ", code)] = true
		if code == http.StatusNoContent {
			return nil
		}
		_, m := decoded(t, code, text)
		return m
	}
	volume := do("POST", "/v2/network-volumes", `{"name":"v","size":20,"dataCenter":"EU-RO-1"}`, 201)["id"].(string)
	registry := do("POST", "/v2/registries", `{"name":"hub","username":"u","password":"p"}`, 201)["id"].(string)
	do("POST", "/v2/registries", `{"name":"other","username":"u","password":"p"}`, 201)
	template := do("POST", "/v2/templates", `{"name":"t","image":"i","mounts":{"persistent":{"size":10,"path":"/data"}}}`, 201)["id"].(string)
	do("POST", "/v2/templates", `{"name":"u","image":"i","category":"CPU","args":"-x","disk":5,"env":{"A":"b"},"ports":["80/http"],"registry":"`+registry+`","allowedCudaVersions":["12.8"],"startSsh":false,"startJupyter":false}`, 201)
	// The ids of a body exist in the account.
	ids := func(more string) string {
		return `{"name":"n","type":"QUEUE","image":"i","scaling":{"type":"QUEUE_DELAY","queueDelay":4}` + more + `}`
	}
	id := do("POST", "/v2/serverless", ids(`,"gpu":{"pools":["ADA_24"],"allowedCudaVersions":["12.8"]},"networkVolumes":["`+volume+`"],"dataCenterIds":["EU-RO-1"],"templateId":"`+template+`"`), 201)["id"].(string)
	do("POST", "/v2/serverless", ids(`,"cpu":[{"id":"cpu3g","vcpuCount":4}],"workers":{"min":0,"max":1}`), 201)
	for _, more := range []string{`,"gpu":{"pools":["ADA_24"]},"networkVolumes":["none"]`, `,"gpu":{"pools":["ADA_24"]},"templateId":"none"`, `,"gpu":{"pools":["ADA_24"]},"dataCenterIds":["none"]`,
		`,"gpu":{"pools":["ADA_24"]},"registry":"none"`, `,"cpu":[{"id":"none","vcpuCount":2}]`} {
		if code, text := callRaw(t, s, "POST", "/v2/serverless", ids(more)); code != 404 && code != 422 {
			t.Errorf("%s: %d %s", more, code, text)
		}
	}
	for _, body := range []string{`{"networkVolumes":["none"]}`, `{"templateId":"none"}`, `{"dataCenterIds":["none"]}`, `{"gpu":{"pools":["none"]}}`, `{"registry":"none"}`} {
		if code, text := callRaw(t, s, "PATCH", "/v2/serverless/"+id, body); code != 404 && code != 422 {
			t.Errorf("%s: %d %s", body, code, text)
		}
	}
	for method, path := range map[string]string{"POST": "/v2/templates", "PATCH": "/v2/templates/" + template} {
		if code, text := callRaw(t, s, method, path, `{"name":"t","image":"i","registry":"none"}`); code != 404 && code != 422 {
			t.Errorf("%s %s with unknown credentials: %d %s", method, path, code, text)
		}
	}
	do("PATCH", "/v2/templates/"+template, `{"registry":"`+registry+`"}`, 200)
	do("GET", "/v2/registries/"+registry, "", 200)
	if _, text := callRaw(t, s, "GET", "/v2/registries", ""); strings.Contains(text, "password") || strings.Contains(text, "username") {
		t.Error("an answer has credentials: ", text)
	}
	if code, _ := callRaw(t, s, "POST", "/v2/network-volumes", `{"name":"v","size":20,"dataCenter":"MOON-1"}`); code != 422 {
		t.Error("a volume on the moon: ", code)
	}
	do("PATCH", "/v2/serverless/"+id, `{"timeout":1000,"gpu":{"allowedCudaVersions":[],"minCudaVersion":"12.4"}}`, 200)
	do("PATCH", "/v2/templates/"+template, `{"disk":30}`, 200)
	do("PATCH", "/v2/network-volumes/"+volume, `{"size":30}`, 200)
	callRaw(t, s, "POST", "/v2/"+id+"/runsync", `{"input":{"value":1}}`) // starts a worker
	// Every list, page by page.
	for path, list := range map[string]string{"serverless": "endpoints", "templates": "templates", "network-volumes": "networkVolumes", "registries": "registries"} {
		n := 0
		for query, more := "", true; more; n++ {
			m := do("GET", "/v2/"+path+query, "", 200)
			page := m["pagination"].(map[string]any)
			if more = page["hasNextPage"].(bool); more {
				query = "?cursor=" + page["nextCursor"].(string)
			}
			if len(m[list].([]any)) != 1 {
				t.Errorf("%s: a page of %v", path, m[list])
			}
		}
		if want := map[string]int{"serverless": 3, "templates": 2, "network-volumes": 1, "registries": 2}[path]; n != want {
			t.Errorf("%s: %d pages, want %d", path, n, want)
		}
	}
	for _, query := range []string{"", "?product=POD", "?include=AVAILABILITY&product=POD,SERVERLESS&count=8&cloud=SECURE&cudaVersions=12.8&minCudaVersion=12", "?countryCodes=DE&include=AVAILABILITY&product=SERVERLESS", "?count=9"} {
		do("GET", "/v2/catalog/gpus"+query, "", 200)
	}
	do("GET", "/v2/catalog/gpus/NVIDIA%20L4?include=AVAILABILITY&product=SERVERLESS", "", 200)
	do("GET", "/v2/catalog/datacenters?include=GPU_AVAILABILITY,CPU_AVAILABILITY", "", 200)
	do("GET", "/v2/catalog/datacenters/EU-RO-1", "", 200)
	for _, query := range []string{"", "?include=AVAILABILITY&product=POD,SERVERLESS&vcpuCount=4", "?vcpuCount=64"} {
		do("GET", "/v2/catalog/cpus"+query, "", 200)
	}
	do("GET", "/v2/catalog/cpus/cpu3g?include=AVAILABILITY&product=SERVERLESS", "", 200)
	do("GET", "/v2/catalog/templates?source=community", "", 200)
	for _, query := range []string{"regions=EUROPE", "networkVolumeTypes=STANDARD&globalNetwork=false", "compliance=GDPR"} {
		want := map[string]int{"regions=EUROPE": 4, "compliance=GDPR": 0, "networkVolumeTypes=STANDARD&globalNetwork=false": len(dataCenters)}[query]
		if all := do("GET", "/v2/catalog/datacenters?"+query, "", 200)["dataCenters"].([]any); len(all) != want {
			t.Errorf("%s: %d data centers, want %d", query, len(all), want)
		}
	}
	for _, report := range []string{"", "/pods", "/endpoints", "/network-volumes", "/clusters"} {
		do("GET", "/v2/billing"+report+"?bucketSize=hour&lastN=2", "", 200)
	}
	do("GET", "/v2/billing/serverless", "", 200)
	do("GET", "/v2/billing/serverless?bucketSize=hour&lastN=3&serverlessId="+id, "", 200)
	for _, path := range []string{"", "/workers", "/releases"} {
		do("GET", "/v2/serverless/"+id+path, "", 200)
	}
	do("GET", "/v2/templates/"+template, "", 200)
	do("GET", "/v2/network-volumes/"+volume, "", 200)
	for name, op := range table.Operations {
		method, path, _ := strings.Cut(name, " ")
		path = strings.NewReplacer("{id}", "none", "{workerId}", "none").Replace(path)
		if strings.HasPrefix(path, "/v2/registries/delegations") && method != "DELETE" { // this endpoint lacks them
			do(method, path, bodyOf(method), 501)
			continue
		}
		if op.Answers["404"] != "" && strings.Contains(path, "none") {
			do(method, path, bodyOf(method), 404)
		}
		if op.Answers["422"] != "" && method == "POST" {
			do(method, path, `{"bogus":1}`, 422)
		}
	}
	do("DELETE", "/v2/serverless/"+id, "", 204)
	do("DELETE", "/v2/templates/"+template, "", 204)
	do("DELETE", "/v2/network-volumes/"+volume, "", 204)
	do("DELETE", "/v2/registries/"+registry, "", 204)
	verdicts := table.Verdicts(t)
	for name, op := range table.Operations {
		for code, shape := range op.Answers {
			success := code < "300" && !(shape == "" && code == "200") // TestWorkerLogs reads the stream of a log
			if strings.Contains(name, "/v2/registries/delegations") && success {
				continue
			}
			if (success || code == "404" && strings.Contains(name, "{id}")) && !seen[name+" "+code] {
				t.Errorf("%s: no answer %s was seen", name, code)
			}
			if code < "300" && verdicts[name].Local != (seen[name+" "+code] || shape == "" && code == "200") {
				t.Errorf("%s: docs/runpod.md says that this endpoint serves it: %v", name, verdicts[name].Local)
			}
		}
	}
}

func bodyOf(method string) string {
	if method == "PATCH" {
		return `{"name":"x"}`
	}
	return ""
}

func TestManagementShapesOfRefusals(t *testing.T) {
	table := shape.Load(t)
	s := newServer(t, Options{Limits: map[string]Limit{"manage": {Requests: 2}}})
	callRaw(t, s, "GET", "/v2/serverless", "")
	callRaw(t, s, "GET", "/v2/serverless", "")
	if code, _ := callRaw(t, s, "GET", "/v2/serverless", ""); code != 429 {
		t.Error(code)
	}
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, httptest.NewRequest("GET", "/v2/serverless", nil))
	if err := table.Answer("GET", "/v2/serverless", rec.Code, rec.Header(), rec.Body.Bytes()); err != nil || rec.Code != 401 {
		t.Error(rec.Code, err)
	}
}

// This endpoint refuses exactly the requests that RunPod's schema refuses.
func TestManagementJudgesAlike(t *testing.T) {
	table := shape.Load(t)
	base := `"name":"n","type":"QUEUE","image":"i","scaling":{"type":"QUEUE_DELAY","queueDelay":4}`
	gpu := base + `,"gpu":{"pools":["ADA_24"]}`
	for path, bodies := range map[string][]string{
		"POST /v2/serverless": {gpu, gpu + `,"disk":0`, gpu + `,"disk":1`, gpu + `,"registry":null`, gpu + `,"env":{"A":1}`, gpu + `,"timeout":"1"`, gpu + `,"x":1`,
			gpu + `,"workers":{"min":-1}`, gpu + `,"workers":{"idleTimeout":0}`, gpu + `,"workers":{"idleTimeout":3600}`, gpu + `,"workers":{"n":1}`, gpu + `,"flashboot":"YES"`, gpu + `,"flashboot":"FLASHBOOT"`,
			base + `,"gpu":{}`, base + `,"gpu":{"pools":[]}`, base + `,"gpu":{"pools":["ADA_24"],"count":0}`, base + `,"gpu":{"pools":["ADA_24"],"excludedTypes":["a","a"]}`,
			base + `,"gpu":{"pools":["ADA_24"],"minCudaVersion":"12"}`, base + `,"gpu":{"pools":["ADA_24"],"allowedCudaVersions":["x"]}`, base + `,"gpu":{"pools":["ADA_24"],"minCudaVersion":"12.4"}`,
			base + `,"cpu":[{"id":"c","vcpuCount":2,"memory":4}]`, base + `,"cpu":[{"id":"c","vcpuCount":1}]`, base + `,"cpu":[{"id":"c","vcpuCount":2},{"id":"c","vcpuCount":2}]`,
			`"name":"","type":"QUEUE","image":"i","scaling":{"type":"QUEUE_DELAY","queueDelay":4},"gpu":{"pools":["ADA_24"]}`,
			`"name":"n","type":"QUEUE","image":"i","scaling":{"type":"REQUEST_COUNT","requestCount":0},"gpu":{"pools":["ADA_24"]}`,
			`"name":"n","type":"QUEUE","image":"i","scaling":{"type":"REQUEST_COUNT","requestCount":1},"gpu":{"pools":["ADA_24"]}`,
			`"name":"n","type":"QUEUE","image":"i","scaling":{"type":"REQUEST_COUNT","requestCount":1,"queueDelay":4},"gpu":{"pools":["ADA_24"]}`},
		"PATCH /v2/serverless/local": {``, `"name":"x"`, `"name":""`, `"type":"QUEUE"`, `"gpu":{"excludedTypes":["x"]}`, `"gpu":{"pools":["ADA_24"],"excludedTypes":["x"]}`, `"gpu":{"minCudaVersion":""}`,
			`"workers":{"max":2}`, `"workers":{"idleTimeout":0}`, `"disk":0`},
		"POST /v2/templates": {`"name":"t","image":"i"`, `"name":"t"`, `"name":"t","image":"i","category":"TPU"`, `"name":"t","image":"i","disk":0`, `"name":"t","image":"i","mounts":{"persistent":{"size":5,"path":"/x"}}`,
			`"name":"t","image":"i","mounts":{"persistent":{"size":10,"path":"/x"}}`, `"name":"t","image":"i","mounts":{"other":1}`, `"name":"t","image":"i","allowedCudaVersions":["x"]`, `"name":"t","image":"i","startSsh":1`},
		"POST /v2/network-volumes": {`"name":"v","size":10,"dataCenter":"EU-RO-1"`, `"name":"v","size":9,"dataCenter":"EU-RO-1"`, `"name":"v","size":5000,"dataCenter":"EU-RO-1"`, `"size":10,"dataCenter":"EU-RO-1"`,
			`"name":"v","size":10,"dataCenter":"EU-RO-1","type":"FAST"`, `"name":"v","size":10.5,"dataCenter":"EU-RO-1"`},
	} {
		method, path, _ := strings.Cut(path, " ")
		for _, body := range bodies {
			s := newServer(t, Options{})
			body = "{" + body + "}"
			refused := table.Request(method, path, nil, []byte(body))
			code, text := callRaw(t, s, method, path, body)
			if (refused != nil) != (code >= 400) {
				t.Errorf("%s %s %s: %d %s, and RunPod's schema says: %v", method, path, body, code, text, refused)
			}
		}
	}
}

// What the service has and this endpoint lacks is 501 with a problem, not an endpoint of that name.
func TestManagementLacks(t *testing.T) {
	s := newServer(t, Options{Handler: echo})
	for _, path := range []string{"/v2/pods", "/v2/pods/x/logs", "/v2/clusters", "/v2/global-volumes", "/v2/account/ssh-keys", "/v2/registries/delegations"} {
		rec := httptest.NewRecorder()
		req := httptest.NewRequest("GET", path, nil)
		req.Header.Set("Authorization", "Bearer "+s.Key())
		s.ServeHTTP(rec, req)
		if rec.Code != 501 || rec.Header().Get("Content-Type") != "application/problem+json" || rec.Header().Get("RateLimit") == "" || !strings.Contains(rec.Body.String(), "the local endpoint has no ") {
			t.Errorf("%s: %d %s %s", path, rec.Code, rec.Header(), rec.Body)
		}
	}
	if _, err := New(Options{EndpointID: "pods"}); err == nil {
		t.Error("an endpoint is called pods")
	}
}

// The summary has what the workers of all endpoints cost, and the other reports have nothing.
func TestManagementBills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Handler: echo, PricePerHour: 2})
		time.Sleep(90 * time.Minute)
		total := func(path string) (float64, int) {
			_, m := call(t, s, "GET", "/v2/billing"+path+"?bucketSize=hour&lastN=9", "")
			meta := m["metadata"].(map[string]any)
			return meta["totals"].(map[string]any)["totalAmount"].(float64), len(m["records"].([]any))
		}
		for path, want := range map[string]float64{"": 3, "/serverless": 3, "/pods": 0, "/endpoints": 0, "/network-volumes": 0, "/clusters": 0} {
			got, records := total(path)
			if math.Abs(got-want) > 0.01 || (records == 0) != (want == 0) {
				t.Errorf("%s: %v in %d records, want %v", path, got, records, want)
			}
		}
	})
}
