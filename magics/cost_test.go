package magics

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runs"
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

// TestCostReconciled: what the runs took is compared with what RunPod billed.
func TestCostReconciled(t *testing.T) {
	records := []runpod.BillingRecord{{StartTime: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), TotalAmount: 1.5}, {StartTime: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), TotalAmount: 0.25}}
	sums := []runs.Sum{{Group: "2026-11-21", Runs: 3, Billed: 120, Dollars: 1}}
	text := spent("day", 2, sums, records).Bundle().Data[render.MIMEText]
	const want = `Runs of this machine in the last 2 days, by day
day         runs         ran   cost  billed  not from these
2026-11-21     3  2 min 00 s  $1.00   $1.50           $0.50
2026-11-20     0        0 ms  $0.00   $0.25           $0.25
in all         3  2 min 00 s  $1.00   $1.75           $0.75`
	if strings.TrimSpace(fmt.Sprint(text)) != want {
		t.Errorf("%s\nwant\n%s", text, want)
	}
}

func TestCostEmbedded(t *testing.T) {
	embedded(t)
	out, err := run(t, "runpod_cost", "", "", newVars(nil), false)
	if err != nil || !strings.Contains(out.text(), "it costs nothing") {
		t.Errorf("%v, %s", err, out.text())
	}
}
