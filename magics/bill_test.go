package magics

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestCost(t *testing.T) {
	t.Chdir(t.TempDir())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/billing/serverless") || r.URL.Query().Get("serverlessId") != "abc" {
			t.Errorf("asked for %s", r.URL)
		}
		w.Write([]byte(`{"records":[
			{"startTime":"2026-11-20T00:00:00Z","endTime":"2026-11-21T00:00:00Z","serverlessId":"abc","totalAmount":1.25,"gpuAmount":1.2,"diskAmount":0.05},
			{"startTime":"2026-11-21T00:00:00Z","endTime":"2026-11-22T00:00:00Z","serverlessId":"abc","totalAmount":0.0123,"gpuAmount":0.0123}],"metadata":{}}`))
	}))
	defer s.Close()
	for name, value := range map[string]string{
		"RUNPOD_API_KEY": "rpa_test", "RUNPOD_ENDPOINT_ID": "abc", "RUNPOD_ENDPOINT_BASE_URL": s.URL, "RUNPOD_MANAGEMENT_URL": s.URL,
	} {
		t.Setenv(name, value)
	}
	out, err := run(t, "runpod_cost", "--days 3", "", newVars(nil), false)
	want := strings.Replace(`On endpoint abc at HOST: billed in the last 3 days
day         endpoint      GPU     disk   in all
2026-11-20  abc         $1.20  $0.0500    $1.25
2026-11-21  abc       $0.0123    $0.00  $0.0123
in all                                    $1.26`, "HOST", strings.TrimPrefix(s.URL, "http://"), 1)
	if err != nil || strings.TrimSpace(out.text()) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out.text(), want)
	}
}

func TestCostEmbedded(t *testing.T) {
	embedded(t)
	out, err := run(t, "runpod_cost", "", "", newVars(nil), false)
	if err != nil || !strings.Contains(out.text(), "it costs nothing") {
		t.Errorf("%v, %s", err, out.text())
	}
}
