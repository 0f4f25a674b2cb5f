package local

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ping takes a worker's heartbeat. Only the jobs that it names count as alive:
// a job that the worker dropped goes to another worker after HeartbeatTimeout.
func (e *endpoint) ping(w http.ResponseWriter, r *http.Request, args []string) {
	query := r.URL.Query()
	var ids []string
	if s := query.Get("job_id"); s != "" {
		ids = strings.Split(s, ",")
	}
	unhealthy := query.Get("status") == "unhealthy"
	if unhealthy {
		e.srv.opt.Log.Warn("a worker is unhealthy", "worker", args[0], "check", query.Get("check"), "reason", query.Get("reason"))
	}
	e.q.beat(args[0], ids, unhealthy)
	w.WriteHeader(http.StatusOK)
}

// WorkerEnv returns the environment that makes a worker built with RunPod's SDK serve
// this endpoint, as "NAME=value": add it to os.Environ() of the process. If workerID
// is empty, it is random. The addresses contain a token for the worker plane: the SDK
// prefers the key in ~/.runpod/config.toml to the one in its environment, so its
// Authorization header may have the wrong key.
func (s *Server) WorkerEnv(workerID string) []string {
	if workerID == "" {
		workerID = newWorkerID()
	}
	return s.workerEnv(s.EndpointID(), workerID)
}

func (s *Server) workerEnv(endpointID, workerID string) []string {
	base := s.BaseURL() + "/" + endpointID
	query := "?gpu=local&token=" + s.token()
	env := []string{
		"RUNPOD_WEBHOOK_GET_JOB=" + base + "/job-take/$ID" + query,
		"RUNPOD_WEBHOOK_POST_OUTPUT=" + base + "/job-done/$RUNPOD_POD_ID/$ID" + query,
		"RUNPOD_WEBHOOK_POST_STREAM=" + base + "/job-stream/$RUNPOD_POD_ID/$ID" + query,
		"RUNPOD_WEBHOOK_PING=" + base + "/ping/$RUNPOD_POD_ID" + query,
		"RUNPOD_PING_INTERVAL=" + pingInterval(s.opt.HeartbeatTimeout),
		"RUNPOD_AI_API_KEY=" + s.token(),
		"RUNPOD_POD_ID=" + workerID,
		"RUNPOD_POD_HOSTNAME=" + workerID,
		"RUNPOD_ENDPOINT_ID=" + endpointID,
		"RUNPOD_SKIP_AUTO_SYSTEM_CHECKS=true",
		"RUNPOD_SKIP_GPU_CHECK=true",
	}
	if s.opt.StoreDir != "" {
		env = append(env, "GOPHERPOD_STORE="+s.opt.StoreDir)
	}
	return env
}

// pingInterval returns a quarter of the timeout, between 1 s and 10 s, in ms. It
// is in whole seconds because the SDK rounds down to seconds.
func pingInterval(timeout time.Duration) string {
	sec := min(max(int(timeout/(4*time.Second)), 1), 10)
	return strconv.Itoa(sec * 1000)
}
