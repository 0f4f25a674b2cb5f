package shape

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Each row is one statement of the schema: what it accepts, and what it rejects with which message.
func TestCheck(t *testing.T) {
	table := Load(t)
	endpoint := `{"name":"n","type":"QUEUE","image":"i","scaling":{"type":"QUEUE_DELAY","queueDelay":4},"gpu":{"pools":["ADA_24"]}`
	for _, c := range []struct{ shape, text, says string }{
		{"CreateEndpointRequest", endpoint + `}`, ""},
		{"CreateEndpointRequest", endpoint + `,"workers":{"min":0,"max":3,"idleTimeout":10},"registry":null}`, ""},
		{"CreateEndpointRequest", strings.Replace(endpoint, `"image":"i"`, `"templateId":"t"`, 1) + `}`, ""},
		{"CreateEndpointRequest", strings.Replace(endpoint, `"image":"i",`, ``, 1) + `}`, "image is missing"},
		{"CreateEndpointRequest", endpoint + `,"gpuIds":[]}`, "unknown property gpuIds"},
		{"CreateEndpointRequest", endpoint + `,"workers":{"maximum":1}}`, "unknown property maximum"},
		{"CreateEndpointRequest", endpoint + `,"workers":{"idleTimeout":0}}`, "want 1 or more, got 0"},
		{"CreateEndpointRequest", endpoint + `,"timeout":1.5}`, "want integer, got 1.5"},
		{"CreateEndpointRequest", endpoint + `,"timeout":1e3}`, ""},
		{"CreateEndpointRequest", endpoint + `,"disk":0}`, "want 1 or more"},
		{"CreateEndpointRequest", endpoint + `,"env":{"A":1}}`, "env.A: want string"},
		{"CreateEndpointRequest", endpoint + `,"flashboot":"ON"}`, "want one of [OFF FLASHBOOT PRIORITY_FLASHBOOT]"},
		{"CreateEndpointRequest", strings.Replace(endpoint, `"queueDelay":4`, `"queueDelay":0.1`, 1) + `}`, "matches 0 of the shapes"},
		{"CreateEndpointRequest", strings.Replace(endpoint, "QUEUE\"", "LOAD_BALANCER\"", 1) + `}`, "requestCount is missing"},
		{"CreateEndpointRequest", endpoint + `,"cpu":[{"id":"c","vcpuCount":2},{"id":"c","vcpuCount":2}]}`, "each item once"},
		{"CreateEndpointRequest", endpoint + `,"cpu":[]}`, "1 items or more"},
		{"CreateEndpointGpuConfig", `{"pools":["A"],"minCudaVersion":"12"}`, "want a match of"},
		{"UpdateEndpointRequest", `{}`, ""},
		{"UpdateEndpointRequest", `{"type":"QUEUE"}`, "unknown property type"},
		{"UpdateEndpointRequest", `{"gpu":{"excludedTypes":["x"]}}`, "excludedTypes wants pools beside it"},
		{"UpdateNetworkVolumeRequest", `{}`, "1 properties or more"},
		{"UpdateNetworkVolumeRequest", `{"size":5000}`, "4096 or less"},
		{"Release", `{"id":"r","source":"MANUAL","createdAt":"yesterday","workerCount":0,"diff":[]}`, "RFC 3339"},
		{"GpuType", `{"id":"g","name":"g","pool":null,"manufacturer":"NVIDIA","memory":24,"secure":true,"community":false,"price":{"secure":1,"community":1},"maxCount":8}`, "maxCount: want object, got 8"},
		{"GpuType", `{"id":"g","name":"g","pool":null,"manufacturer":"NVIDIA","memory":24,"secure":true,"community":false,"price":{"secure":1,"community":1},"maxCount":{"secure":8,"community":4}}`, ""},
		{"EndpointRequestUrls", `{"base":"https://x","health":"/health"}`, "matches 0"},
		{"ErrorResponse", `{"title":"t","status":422,"detail":"d","errors":[{"location":"body"}]}`, "errors[0]: want string"},
		{"ErrorResponse", `{"title":"t"`, "want JSON of shape ErrorResponse"},
		{"ErrorResponse", `{"title":"t","status":1,"detail":"d"} {}`, "got more"},
		{"None", `{}`, "no shape"},
	} {
		err := table.Check(c.shape, []byte(c.text))
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s %s: %v, want %q", c.shape, c.text, err, c.says)
		}
	}
}

func TestRequestAndAnswer(t *testing.T) {
	table := Load(t)
	values := func(text string) url.Values { v, _ := url.ParseQuery(text); return v }
	for query, says := range map[string]string{
		"include=AVAILABILITY&product=SERVERLESS,POD&count=2": "",
		"countryCodes=DE,FR":              "",
		"countryCodes=DE&countryCodes=FR": "given 2 times",
		"countryCodes=Germany":            "want a match of",
		"count=many":                      "want integer",
		"gpu=x":                           "no parameter",
		"cursor=x":                        "",
	} {
		err := table.Request("GET", "/v2/catalog/gpus", values(query), nil)
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v, want %q", query, err, says)
		}
	}
	if err := table.Request("PUT", "/v2/serverless", nil, nil); err == nil {
		t.Error("an operation that there is not")
	}
	if err := table.Request("DELETE", "/v2/serverless/x", nil, []byte("{}")); err == nil {
		t.Error("a body where there is none")
	}
	limits := http.Header{"Ratelimit": {"x"}, "Ratelimit-Policy": {"x"}, "Content-Type": {"application/json; charset=utf-8"}}
	problem := limits.Clone()
	problem.Set("Content-Type", "application/problem+json")
	for _, c := range []struct {
		method, path string
		status       int
		header       http.Header
		body, says   string
	}{
		{"GET", "/v2/templates", 200, limits, `{"templates":[],"pagination":{"hasNextPage":false}}`, ""},
		{"GET", "/v2/templates", 200, limits, `{}`, "templates is missing"},
		{"GET", "/v2/templates", 200, http.Header{"Content-Type": {"application/json"}}, `{"templates":[]}`, "RateLimit"},
		{"GET", "/v2/templates", 201, limits, `{"templates":[]}`, "not in the API"},
		{"GET", "/v2/templates/t", 404, problem, `{"title":"t","status":404,"detail":"d"}`, ""},
		{"GET", "/v2/templates/t", 405, problem, `{"title":"t","status":404,"detail":"d"}`, ""},
		{"GET", "/v2/templates/t", 404, limits, `{"title":"t","status":404,"detail":"d"}`, "problem+json"},
		{"DELETE", "/v2/templates/t", 204, limits, ``, ""},
		{"DELETE", "/v2/templates/t", 204, limits, `{}`, "with a body"},
		{"GET", "/v2/none", 200, limits, `{}`, "no such operation"},
	} {
		err := table.Answer(c.method, c.path, c.status, c.header, []byte(c.body))
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s %s %d: %v, want %q", c.method, c.path, c.status, err, c.says)
		}
	}
}
