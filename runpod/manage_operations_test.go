package runpod_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/shape"
)

// The client sends the operations for which docs/runpod.md says so, and no others. Each method of
// Management sends its request once; runpodtest checks it against RunPod's schema.
func TestOperationsOfThePage(t *testing.T) {
	day := time.Date(2026, 8, 20, 0, 0, 0, 0, time.UTC)
	container := runpod.Container{Image: "user/worker:1"}
	table := shape.Load(t)
	sent, methods := map[string]bool{}, map[string]bool{}
	for _, c := range []struct {
		name, method, path, reply string
		do                        func(ctx context.Context, m *runpod.Management) error
	}{
		{"Endpoints", "GET", "serverless", `{"endpoints":[]}`, func(ctx context.Context, m *runpod.Management) error { _, err := m.Endpoints(ctx); return err }},
		{"Endpoint", "GET", "serverless/ep", endpointReply, func(ctx context.Context, m *runpod.Management) error { _, err := m.Endpoint(ctx, "ep"); return err }},
		{"CreateEndpoint", "POST", "serverless", endpointReply, func(ctx context.Context, m *runpod.Management) error {
			_, err := m.CreateEndpoint(ctx, spec)
			return err
		}},
		{"UpdateEndpoint", "PATCH", "serverless/ep", endpointReply, func(ctx context.Context, m *runpod.Management) error {
			_, err := m.UpdateEndpoint(ctx, "ep", runpod.EndpointSpec{Name: "n"})
			return err
		}},
		{"DeleteEndpoint", "DELETE", "serverless/ep", "", func(ctx context.Context, m *runpod.Management) error { return m.DeleteEndpoint(ctx, "ep") }},
		{"Workers", "GET", "serverless/ep/workers", `{"workers":[],"summary":{}}`, func(ctx context.Context, m *runpod.Management) error { _, err := m.Workers(ctx, "ep"); return err }},
		{"Releases", "GET", "serverless/ep/releases", `{"releases":[]}`, func(ctx context.Context, m *runpod.Management) error { _, err := m.Releases(ctx, "ep"); return err }},
		{"WorkerLogs", "GET", "serverless/ep/workers/w/logs", "data: {\"source\":\"container\",\"line\":\"a\",\"ts\":\"2026-08-20T10:00:00Z\"}\n\n", func(ctx context.Context, m *runpod.Management) error {
			for _, err := range m.WorkerLogs(ctx, "ep", "w", runpod.LogQuery{}) {
				return err
			}
			return errors.New("no line")
		}},
		{"Templates", "GET", "templates", `{"templates":[]}`, func(ctx context.Context, m *runpod.Management) error { _, err := m.Templates(ctx); return err }},
		{"Template", "GET", "templates/t", `{"id":"t"}`, func(ctx context.Context, m *runpod.Management) error { _, err := m.Template(ctx, "t"); return err }},
		{"CreateTemplate", "POST", "templates", `{"id":"t"}`, func(ctx context.Context, m *runpod.Management) error {
			_, err := m.CreateTemplate(ctx, runpod.TemplateSpec{Name: "t", Container: container})
			return err
		}},
		{"UpdateTemplate", "PATCH", "templates/t", `{"id":"t"}`, func(ctx context.Context, m *runpod.Management) error {
			_, err := m.UpdateTemplate(ctx, "t", runpod.TemplateSpec{Container: container})
			return err
		}},
		{"DeleteTemplate", "DELETE", "templates/t", "", func(ctx context.Context, m *runpod.Management) error { return m.DeleteTemplate(ctx, "t") }},
		{"FindTemplate", "GET", "templates", `{"templates":[]}`, func(ctx context.Context, m *runpod.Management) error { _, err := m.FindTemplate(ctx, "t"); return err }},
		{"Volumes", "GET", "network-volumes", `{"networkVolumes":[]}`, func(ctx context.Context, m *runpod.Management) error { _, err := m.Volumes(ctx); return err }},
		{"Volume", "GET", "network-volumes/v", `{"id":"v"}`, func(ctx context.Context, m *runpod.Management) error { _, err := m.Volume(ctx, "v"); return err }},
		{"CreateVolume", "POST", "network-volumes", `{"id":"v"}`, func(ctx context.Context, m *runpod.Management) error {
			_, err := m.CreateVolume(ctx, runpod.VolumeSpec{Name: "v", Size: 20, DataCenter: "EU-RO-1"})
			return err
		}},
		{"ResizeVolume", "PATCH", "network-volumes/v", `{"id":"v"}`, func(ctx context.Context, m *runpod.Management) error {
			_, err := m.ResizeVolume(ctx, "v", "", 30)
			return err
		}},
		{"DeleteVolume", "DELETE", "network-volumes/v", "", func(ctx context.Context, m *runpod.Management) error { return m.DeleteVolume(ctx, "v") }},
		{"GPUs", "GET", "catalog/gpus", catalogReply, func(ctx context.Context, m *runpod.Management) error {
			_, err := m.GPUs(ctx, runpod.GPUQuery{})
			return err
		}},
		{"Billing", "GET", "billing/serverless?bucketSize=hour&endTime=2026-08-21T00%3A00%3A00Z&startTime=2026-08-20T00%3A00%3A00Z", `{"records":[]}`, func(ctx context.Context, m *runpod.Management) error {
			_, err := m.Billing(ctx, runpod.BillingQuery{Start: day, End: day.AddDate(0, 0, 1)})
			return err
		}},
	} {
		path, _, _ := strings.Cut(c.path, "?")
		name, _, ok := table.Find(c.method, "/v2/"+path)
		if !ok {
			t.Errorf("%s: %s %s is not in RunPod's schema", c.name, c.method, path)
		}
		sent[name], methods[c.name] = true, true
		if err := c.do(t.Context(), manage(t, step(c.method, c.path, c.reply, nil))); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	methods["EnsureEndpoint"] = true // Endpoints, then CreateEndpoint or UpdateEndpoint
	for m := range reflect.TypeFor[*runpod.Management]().Methods() {
		if !methods[m.Name] {
			t.Errorf("no request of %s was checked", m.Name)
		}
	}
	for name, verdict := range table.Verdicts(t) {
		if verdict.Client != sent[name] {
			t.Errorf("docs/runpod.md says that the client sends %s: %v; it does: %v", name, verdict.Client, sent[name])
		}
	}
}
