package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/worker/local"
)

func runStore(t *testing.T, o StoreOptions, what string) string {
	t.Helper()
	var out strings.Builder
	if err := RunStore(t.Context(), o, []string{what}, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Listing and pruning a folder, and an endpoint whose jobs may need it.
func TestStoreCommand(t *testing.T) {
	dir := t.TempDir()
	var names []string
	for i, days := range []int{0, 3, 40} {
		r, err := store.Send(t.Context(), store.Dir(dir), store.Bytes(make([]byte, 1000+i)), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, r.Digest[:12])
		then := time.Now().AddDate(0, 0, -days)
		if err := os.Chtimes(filepath.Join(dir, "sha256", r.Digest), then, then); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(t.TempDir())
	for _, name := range []string{"RUNPOD_API_KEY", "RUNPOD_ENDPOINT_ID", "RUNPOD_ENDPOINT_BASE_URL", "RUNPOD_API_BASE_URL", "RUNPOD_VOLUME_ID", "GOPHERPOD_BUCKET"} {
		t.Setenv(name, "")
	}
	wants(t, runStore(t, StoreOptions{Dir: dir}, "list"), names[0]+"  part  1.0 kB  used 0 min ago", names[2]+"  part  1.0 kB  used 40 days ago", "3 objects, 3.0 kB")
	wants(t, runStore(t, StoreOptions{Dir: dir, DryRun: true}, "prune"), names[2], "1 of 3 objects would be removed, 1.0 kB of 3.0 kB")
	wants(t, runStore(t, StoreOptions{Dir: dir}, "prune"), "1 of 3 objects removed")
	wants(t, runStore(t, StoreOptions{Dir: dir, Unused: "2d"}, "prune"), "no endpoint can be asked whether jobs run: what was used in the last 7 days stays", "0 of 2 objects removed", "1 stay although")

	s, err := local.Start(t.Context(), local.Options{Key: testKey}) // jobs wait: there is no worker
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, value := range map[string]string{"RUNPOD_API_KEY": testKey, "RUNPOD_ENDPOINT_ID": "local", "RUNPOD_ENDPOINT_BASE_URL": s.BaseURL(), "RUNPOD_MANAGEMENT_URL": s.BaseURL()} {
		t.Setenv(name, value)
	}
	client, _, err := connect()
	if err != nil {
		t.Fatal(err)
	}
	job, err := client.Endpoint("local").Run(t.Context(), runpod.Request{Input: map[string]int{"x": 1}})
	if err != nil {
		t.Fatal(err)
	}
	wants(t, runStore(t, StoreOptions{Dir: dir, Size: "1kB"}, "prune"), "endpoint local has 1 jobs", "0 of 2 objects removed")
	if _, err := client.Endpoint("local").Cancel(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	wants(t, runStore(t, StoreOptions{Dir: dir, Unused: "2d"}, "prune"), "1 of 2 objects removed")

	for _, c := range []struct {
		o    StoreOptions
		what string
		want string
	}{
		{StoreOptions{}, "prune", "no store: set RUNPOD_VOLUME_ID"},
		{StoreOptions{Dir: filepath.Join(dir, "none")}, "list", "is no folder"},
		{StoreOptions{Dir: dir, Size: "-1"}, "prune", "--size"},
		{StoreOptions{Dir: dir, Unused: "soon"}, "prune", "--unused"},
		{StoreOptions{Dir: dir, Unused: "0s"}, "prune", "--unused"},
		{StoreOptions{Dir: dir, DryRun: true}, "list", "no options"},
		{StoreOptions{}, "burn", "list, prune"},
	} {
		var out strings.Builder
		if err := RunStore(t.Context(), c.o, []string{c.what}, &out); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v %s: %v, want %q", c.o, c.what, err, c.want)
		}
	}
}

func TestParseSizes(t *testing.T) {
	for text, want := range map[string]int64{"50GB": 50e9, "1.5 TB": 1500e9, "900mb": 900e6, "7": 7, "2k": 2000} {
		if got, err := parseBytes(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "GB", "0", "-1GB", "NaN", "1e40", "InfGB"} {
		if n, err := parseBytes(bad); err == nil {
			t.Errorf("%s: %d", bad, n)
		}
		if d, err := ParseAge(bad + "d"); err == nil && bad != "" && bad != "GB" {
			t.Errorf("%sd: %v", bad, d)
		}
	}
}
