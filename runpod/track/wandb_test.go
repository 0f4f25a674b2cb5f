package track

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// unlogged reads what logged wrote, from that offset on.
func unlogged(b []byte, at int) (list [][]byte, err error) {
	var one []byte
	for at < len(b) {
		if left := 32<<10 - at%(32<<10); left < 7 {
			at += left
			continue
		}
		if len(b) < at+7 {
			return list, errors.New("a head is cut")
		}
		sum, n, kind := binary.LittleEndian.Uint32(b[at:]), int(binary.LittleEndian.Uint16(b[at+4:])), b[at+6]
		if at+7+n > len(b) || n > 32<<10-7-at%(32<<10) {
			return list, errors.New("a piece crosses its block")
		}
		if crc32.ChecksumIEEE(b[at+6:at+7+n]) != sum {
			return list, errors.New("a checksum is wrong")
		}
		one = append(one, b[at+7:at+7+n]...)
		if kind == 1 || kind == 4 {
			list, one = append(list, one), nil
		}
		at += 7 + n
	}
	return list, nil
}

// Records of every length, at every distance from a block's end, come back.
func FuzzLogged(f *testing.F) {
	for _, at := range []int{7, 32<<10 - 8, 32<<10 - 7, 32<<10 - 6, 32<<10 - 1} {
		for _, n := range []uint32{0, 1, 32<<10 - 7, 32<<10 - 6, 100_000} {
			f.Add(uint16(at), n)
		}
	}
	f.Fuzz(func(t *testing.T, at uint16, n uint32) {
		data := bytes.Repeat([]byte{7}, int(n%200_000))
		b := append(make([]byte, at), logged(int(at), data)...)
		b = append(b, logged(len(b), []byte("next"))...)
		list, err := unlogged(b, int(at))
		if err != nil || len(list) != 2 || !bytes.Equal(list[0], data) || string(list[1]) != "next" {
			t.Fatalf("%v, %d records", err, len(list))
		}
	})
}

// If a folder has the run already, that is an error; nothing is overwritten.
func TestWandbTwice(t *testing.T) {
	dir := t.TempDir()
	for i := range 2 {
		told := tracked(t, &Wandb{Dir: dir, Project: "p"}, 3, Result{Status: "completed"})
		if (told != "") != (i == 1) {
			t.Error(i, told)
		}
	}
	w := NewWandb(func(string) string { return "" })
	if w.Dir != "." || w.Project != "gopherpod" || w.Entity != "" {
		t.Errorf("%+v", w)
	}
}

// wandbRun writes a run of 5 epochs with a parameter longer than a block, and a model.
func wandbRun(t *testing.T, dir string) (folder string) {
	t.Helper()
	model := filepath.Join(t.TempDir(), "model.safetensors")
	if err := os.WriteFile(model, []byte("weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	sample := sample
	sample.Params = map[string]string{"optimizer": "adam", "seed": "7", "long": strings.Repeat("x", 70_000)}
	sample.Group = "search"
	s := Start(t.Context(), sample, map[string]Tracker{"wandb": &Wandb{Dir: dir, Project: "ours", Entity: "us"}}, func(line string) { t.Error(line) })
	for i := range 5 {
		s.Epoch(epoch(i + 1))
	}
	s.End(Result{Status: "completed", Model: model})
	found, err := filepath.Glob(filepath.Join(dir, "wandb", "offline-run-*-"+sample.ID))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	return found[0]
}

// TestWandbMessages: W&B's own message types decode everything that was written, and know
// every field.
func TestWandbMessages(t *testing.T) {
	python := interop(t)
	folder := wandbRun(t, t.TempDir())
	b, err := os.ReadFile(filepath.Join(folder, "run-"+sample.ID+".wandb"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := unlogged(b, 7)
	if err != nil {
		t.Fatal(err)
	}
	in, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	const script = `
import sys, json, base64
from wandb.proto import wandb_internal_pb2 as pb
from google.protobuf.unknown_fields import UnknownFieldSet
out = {"kinds": [], "steps": [], "loss": [], "config": {}, "summary": {}}
for b in json.load(sys.stdin):
    r = pb.Record(); r.ParseFromString(base64.b64decode(b))
    kind = r.WhichOneof("record_type"); out["kinds"].append(kind)
    m = getattr(r, kind)
    assert len(UnknownFieldSet(r)) + len(UnknownFieldSet(m)) == 0
    if kind == "run":
        out.update(id=m.run_id, entity=m.entity, project=m.project, group=m.run_group, name=m.display_name, tags=list(m.tags))
        out["config"] = {i.key: json.loads(i.value_json) for i in m.config.update}
    if kind == "history":
        values = {i.nested_key[0]: json.loads(i.value_json) for i in m.item}
        assert values["_step"] == m.step.num
        out["steps"].append(m.step.num); out["loss"].append(values["loss"])
    if kind == "summary":
        out["summary"] = {i.nested_key[0]: json.loads(i.value_json) for i in m.update}
    if kind == "files":
        out["files"] = [f.path for f in m.files]
    if kind == "exit":
        out["exit"] = m.exit_code
print(json.dumps(out))`
	c := exec.Command(python, "-c", script)
	c.Stdin, c.Stderr = bytes.NewReader(in), os.Stderr
	if b, err = c.Output(); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Kinds, Tags, Files               []string
		Steps                            []int
		Loss                             []float64
		Config, Summary                  map[string]any
		ID, Entity, Project, Group, Name string
		Exit                             *int
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	if fmt.Sprint(got.Kinds) != "[header run history history history history history summary files exit footer]" ||
		got.ID != sample.ID || got.Entity != "us" || got.Project != "ours" || got.Group != "search" || got.Name != sample.Title ||
		fmt.Sprint(got.Tags, got.Steps, got.Loss[4], got.Files) != "[paper] [1 2 3 4 5] 0.2 [model.safetensors]" ||
		got.Config["optimizer"] != "adam" || got.Config["seed"] != 7.0 || len(got.Config["long"].(string)) != 70_000 ||
		got.Summary["loss"] != 0.2 || got.Exit == nil || *got.Exit != 0 {
		got.Config["long"] = nil
		t.Errorf("%+v", got)
	}
}

// TestWandbSync: wandb sync reads the folder and uploads the run to a server on this machine
// that records the requests.
func TestWandbSync(t *testing.T) {
	python := interop(t)
	dir := t.TempDir()
	folder := wandbRun(t, dir)
	var mu sync.Mutex
	var asked []string
	var upsert map[string]any
	var history []string
	exit := -1
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		b, _ := io.ReadAll(r.Body)
		asked = append(asked, fmt.Sprintf("%s %s %.300s", r.Method, r.URL.Path, b))
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path != "/graphql" {
			var stream struct {
				Files map[string]struct {
					Content []string `json:"content"`
				} `json:"files"`
				Exit     *int `json:"exitcode"`
				Complete bool `json:"complete"`
			}
			if json.Unmarshal(b, &stream) == nil {
				history = append(history, stream.Files["wandb-history.jsonl"].Content...)
				if stream.Exit != nil {
					exit = *stream.Exit
				}
			}
			io.WriteString(w, "{}")
			return
		}
		var q struct {
			Query     string         `json:"query"`
			Variables map[string]any `json:"variables"`
		}
		_ = json.Unmarshal(b, &q) // ignore errors: the answer below does not depend on it
		switch {
		case strings.Contains(q.Query, "upsertBucket"):
			if upsert == nil {
				upsert = q.Variables
			}
			fmt.Fprintf(w, `{"data":{"upsertBucket":{"inserted":true,"bucket":{"id":"x","name":%q,"displayName":"it","historyLineCount":0,"project":{"id":"p","name":"ours","entity":{"id":"e","name":"us"}}}}}}`, sample.ID)
		case strings.Contains(q.Query, "createRunFiles"):
			var files []map[string]string
			for _, name := range q.Variables["files"].([]any) {
				files = append(files, map[string]string{"name": name.(string), "uploadUrl": server.URL + "/upload/" + name.(string)})
			}
			b, _ := json.Marshal(files) // only strings: cannot fail
			fmt.Fprintf(w, `{"data":{"createRunFiles":{"runID":"x","uploadHeaders":[],"files":%s}}}`, b)
		case strings.Contains(q.Query, "viewer"):
			io.WriteString(w, `{"data":{"viewer":{"id":"v","entity":"us","username":"us","flags":"{}","teams":{"edges":[]}}}}`)
		default:
			io.WriteString(w, `{"data":{}}`)
		}
	}))
	defer server.Close()
	c := exec.Command(python, "-m", "wandb", "sync", folder)
	c.Dir = dir
	// The server does not check the key, but the client needs one.
	c.Env = append(os.Environ(), "HOME="+dir, "WANDB_BASE_URL="+server.URL, "WANDB_API_KEY="+strings.Repeat("0", 40), "WANDB_ERROR_REPORTING=false")
	b, err := c.CombinedOutput()
	mu.Lock()
	defer mu.Unlock()
	t.Logf("%s", b)
	if err != nil || upsert == nil || len(history) != 5 || exit != 0 {
		t.Fatalf("%v, exit code %d, history %q\n%s", err, exit, history, strings.Join(asked, "\n"))
	}
	config, _ := upsert["config"].(string)
	if upsert["name"] != sample.ID || upsert["project"] != "ours" || upsert["groupName"] != "search" || !strings.Contains(config, `"optimizer"`) || !strings.Contains(history[4], `"loss":0.2`) {
		t.Errorf("%v %.300s %q", upsert["name"], config, history)
	}
	if !strings.Contains(strings.Join(asked, "\n"), "PUT /upload/model.safetensors weights") {
		t.Errorf("the model is not uploaded:\n%s", strings.Join(asked, "\n"))
	}
}
