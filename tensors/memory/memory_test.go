package memory

import (
	"io/fs"
	"testing"
)

func TestAvailable(t *testing.T) {
	const meminfo = "MemTotal:       24000000 kB\nMemAvailable:   1000 kB\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  uint64
	}{
		{"nothing known", nil, unknown},
		{"Linux", map[string]string{"/proc/meminfo": meminfo}, 1000 << 10},
		{"no line", map[string]string{"/proc/meminfo": "MemTotal: 1 kB\nMemAvailable:\n"}, 0},
		{"a container of 500,000 bytes", map[string]string{"/proc/meminfo": meminfo, "/sys/fs/cgroup/memory.max": "500000\n", "/sys/fs/cgroup/memory.current": "100000\n"}, 400000},
		{"a container over its limit", map[string]string{"/proc/meminfo": meminfo, "/sys/fs/cgroup/memory.max": "5\n", "/sys/fs/cgroup/memory.current": "9\n"}, 0},
		{"a container without a limit", map[string]string{"/proc/meminfo": meminfo, "/sys/fs/cgroup/memory.max": "max\n", "/sys/fs/cgroup/memory.current": "9\n"}, 1000 << 10},
		{"cgroup v1", map[string]string{"/sys/fs/cgroup/memory/memory.limit_in_bytes": "300", "/sys/fs/cgroup/memory/memory.usage_in_bytes": "100"}, 200},
	} {
		read := func(path string) ([]byte, error) {
			if text, ok := test.files[path]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		}
		if got := available(read); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
	if Available() == 0 {
		t.Error("this machine has no memory left, it says")
	}
}
