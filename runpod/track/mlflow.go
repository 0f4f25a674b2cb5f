package track

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/worker"
)

// The variables that MLflow's own clients read.
const (
	EnvMLflowURI        = "MLFLOW_TRACKING_URI" // "http://127.0.0.1:5000"
	EnvMLflowExperiment = "MLFLOW_EXPERIMENT_NAME"
	EnvMLflowToken      = "MLFLOW_TRACKING_TOKEN"
	EnvMLflowUser       = "MLFLOW_TRACKING_USERNAME"
	EnvMLflowPassword   = "MLFLOW_TRACKING_PASSWORD"
)

// MLflow logs to a server of MLflow 2 or 3: parameters, tags, metrics by epoch, and the
// model as an artifact if the server accepts artifacts itself (its default). A failed call
// is not repeated. Redirects are not followed, so that the token goes to no other host.
//
// Source: mlflow.org/docs, "REST API".
type MLflow struct {
	uri, experiment       string
	token, user, password string
	http                  *http.Client

	run      string
	artifact string // path of the run's artifacts on the server; "" if it does not store them itself
}

// NewMLflow returns a tracker with settings from get, such as settings.Settings.Get. The
// experiment is "gopherpod" if none is named. It is created if the server does not have it.
func NewMLflow(get func(string) string) (*MLflow, error) {
	m := &MLflow{
		uri: strings.TrimRight(get(EnvMLflowURI), "/"), experiment: get(EnvMLflowExperiment),
		token: get(EnvMLflowToken), user: get(EnvMLflowUser), password: get(EnvMLflowPassword),
		http: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	if m.experiment == "" {
		m.experiment = "gopherpod"
	}
	u, err := url.Parse(m.uri)
	if m.uri == "" || err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("track: %s names no server: set it to the address of one, as http://127.0.0.1:5000", EnvMLflowURI)
	}
	return m, nil
}

// errAbsent means that the server does not have what was asked for.
var errAbsent = errors.New("RESOURCE_DOES_NOT_EXIST")

// maxAnswer is how many bytes of an answer are read at most.
const maxAnswer = 1 << 20

func (m *MLflow) do(ctx context.Context, method, path string, body io.Reader, answer any) error {
	r, err := http.NewRequestWithContext(ctx, method, m.uri+path, body)
	if err != nil {
		return err
	}
	switch {
	case m.token != "":
		r.Header.Set("Authorization", "Bearer "+m.token)
	case m.user != "":
		r.SetBasicAuth(m.user, m.password)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := m.http.Do(r)
	if err != nil {
		return fmt.Errorf("the server cannot be reached: %w", errors.Unwrap(err))
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		var e struct {
			Code    string `json:"error_code"`
			Message string `json:"message"`
		}
		_ = json.Unmarshal(b, &e) // ignore errors: a page of another server has no message for us
		if e.Code == errAbsent.Error() {
			return errAbsent
		}
		return fmt.Errorf("the server answers %s %.200s", resp.Status, e.Message)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(b, answer); err != nil {
		return fmt.Errorf("the server's answer is not MLflow's: %w", err)
	}
	return nil
}

func (m *MLflow) post(ctx context.Context, path string, in, out any) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return m.do(ctx, http.MethodPost, "/api/2.0/mlflow/"+path, bytes.NewReader(b), out)
}

type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Begin creates the run.
func (m *MLflow) Begin(ctx context.Context, r Run) error {
	id, err := m.experimentID(ctx)
	if err != nil {
		return err
	}
	tags := []pair{{"mlflow.source.name", "gopherpod"}, {"gopherpod.run_id", r.ID}}
	for _, t := range r.Tags {
		tags = append(tags, pair{t, "true"})
	}
	if r.Group != "" {
		tags = append(tags, pair{"gopherpod.group", r.Group})
	}
	var made struct {
		Run struct {
			Info struct {
				RunID    string `json:"run_id"`
				Artifact string `json:"artifact_uri"`
			} `json:"info"`
		} `json:"run"`
	}
	err = m.post(ctx, "runs/create", map[string]any{"experiment_id": id, "run_name": r.Title, "start_time": r.Begun.UnixMilli(), "tags": tags}, &made)
	if err != nil {
		return err
	}
	m.run = made.Run.Info.RunID
	if m.run == "" {
		return errors.New("the server made no run")
	}
	if u, err := url.Parse(made.Run.Info.Artifact); err == nil && u.Scheme == "mlflow-artifacts" {
		m.artifact = strings.Trim(u.Path, "/")
	}
	var params []pair
	for _, name := range slices.Sorted(maps.Keys(r.Params)) {
		const longest = 6000 // MLflow's own limit
		params = append(params, pair{name, r.Params[name][:min(len(r.Params[name]), longest)]})
	}
	for chunk := range slices.Chunk(params, 100) {
		if err := m.post(ctx, "runs/log-batch", map[string]any{"run_id": m.run, "params": chunk}, nil); err != nil {
			return err
		}
	}
	return nil
}

func (m *MLflow) experimentID(ctx context.Context) (string, error) {
	var found struct {
		Experiment struct {
			ID string `json:"experiment_id"`
		} `json:"experiment"`
	}
	err := m.do(ctx, http.MethodGet, "/api/2.0/mlflow/experiments/get-by-name?experiment_name="+url.QueryEscape(m.experiment), nil, &found)
	if err == nil {
		return found.Experiment.ID, nil
	}
	if !errors.Is(err, errAbsent) {
		return "", err
	}
	var made struct {
		ID string `json:"experiment_id"`
	}
	err = m.post(ctx, "experiments/create", map[string]string{"name": m.experiment}, &made)
	return made.ID, err
}

type metric struct {
	Key       string  `json:"key"`
	Value     float64 `json:"value"`
	Timestamp int64   `json:"timestamp"`
	Step      int     `json:"step"`
}

// Epochs logs metrics, 1,000 per call.
func (m *MLflow) Epochs(ctx context.Context, list []worker.Epoch) error {
	now := time.Now().UnixMilli()
	var all []metric
	for _, e := range list {
		for name, v := range metrics(e) {
			if v-v == 0 {
				all = append(all, metric{name, v, now, e.Epoch})
			}
		}
	}
	for chunk := range slices.Chunk(all, 1000) {
		if err := m.post(ctx, "runs/log-batch", map[string]any{"run_id": m.run, "metrics": chunk}, nil); err != nil {
			return err
		}
	}
	return nil
}

// End uploads the model and closes the run.
func (m *MLflow) End(ctx context.Context, r Result) error {
	if r.Model != "" && m.artifact != "" {
		f, err := os.Open(r.Model)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := m.do(ctx, http.MethodPut, "/api/2.0/mlflow-artifacts/artifacts/"+path.Join(m.artifact, "model", filepath.Base(r.Model)), f, nil); err != nil {
			return fmt.Errorf("the model's upload: %w", err)
		}
	}
	status := map[string]string{"completed": "FINISHED", "interrupted": "KILLED"}[r.Status]
	if status == "" {
		status = "FAILED"
	}
	return m.post(ctx, "runs/update", map[string]any{"run_id": m.run, "status": status, "end_time": time.Now().UnixMilli()}, nil)
}
