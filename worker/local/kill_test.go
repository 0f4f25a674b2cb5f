package local

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A server that is killed, without a chance to write anything, and started again has
// every job that it had accepted, with the same ids: queued jobs in their order, ended
// jobs with their output, and running jobs with their worker.
func TestKill(t *testing.T) {
	if dir := os.Getenv("GOPHERPOD_KILL_TEST"); dir != "" { // the process to kill
		s, err := Start(t.Context(), Options{StateDir: dir, Key: "rpa_fixed"})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("url " + s.BaseURL())
		select {}
	}
	dir := t.TempDir()
	var base string
	serve := func() *exec.Cmd {
		t.Helper()
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), "GOPHERPOD_KILL_TEST="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if url, ok := strings.CutPrefix(lines.Text(), "url "); ok {
				base = url + "/local"
				return cmd
			}
		}
		t.Fatal("the server did not start")
		return nil
	}
	do := func(method, path, body string) (m map[string]any) {
		t.Helper()
		r, err := http.NewRequest(method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "rpa_fixed")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusOK && json.NewDecoder(resp.Body).Decode(&m) == nil {
			return m
		}
		return map[string]any{"code": resp.StatusCode}
	}
	cmd := serve()
	var ids []string
	for round := range 5 {
		for range 8 {
			m := do("POST", "/run", fmt.Sprintf(`{"input":{"n":%d}}`, len(ids)))
			ids = append(ids, m["id"].(string))
		}
		// Two jobs are done and the next one runs when the process is killed.
		for k := range 2 {
			job := do("GET", "/job-take/w1?gpu=x&job_in_progress=0", "")
			if want := ids[3*round+k]; job["id"] != want {
				t.Fatalf("round %d: took %v, want %s", round, job, want)
			}
			do("POST", fmt.Sprintf("/job-done/w1/%s?gpu=x&isStream=false", job["id"]), fmt.Sprintf(`{"output":%d}`, 3*round+k))
		}
		under := do("GET", "/job-take/w1?gpu=x&job_in_progress=0", "")
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		cmd = serve()
		if s := do("GET", "/status/"+under["id"].(string), ""); s["status"] != "IN_PROGRESS" {
			t.Errorf("round %d: what was under way: %v", round, s)
		}
		// Its worker has survived the server and reports.
		do("POST", fmt.Sprintf("/job-done/w1/%s?gpu=x&isStream=false", under["id"]), fmt.Sprintf(`{"output":%d}`, 3*round+2))
	}
	done := 0
	for i, id := range ids {
		s := do("GET", "/status/"+id, "")
		want := "IN_QUEUE"
		if i < 15 {
			want = "COMPLETED"
		}
		if s["status"] != want || i < 15 && s["output"] != float64(i) {
			t.Errorf("job %d: %v, want %s", i, s, want)
		}
		if s["status"] == "COMPLETED" {
			done++
		}
	}
	if done != 15 {
		t.Errorf("%d jobs are done", done)
	}
	for i := 15; i < len(ids); i++ { // in their order
		if job := do("GET", "/job-take/w1?gpu=x&job_in_progress=0", ""); job["id"] != ids[i] {
			t.Fatalf("took %v, want job %d", job, i)
		}
	}
}
