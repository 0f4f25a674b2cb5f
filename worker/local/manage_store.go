package local

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
)

// A table is a resource that does nothing by itself: it returns what was
// stored.
type table[T any] struct {
	list  string                    // the key of the list in answers
	fixed []string                  // properties that an update must not have
	check func(old *T, new T) error // old is nil for a new row
	with  func(id string, v T) any

	mu   sync.Mutex
	rows map[string]T
}

func (t *table[T]) name() string { return t.list }

func (t *table[T]) ids() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.rows))
}

func (t *table[T]) get(id string) (any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, ok := t.rows[id]
	if !ok {
		return nil, errNotFound
	}
	return t.with(id, v), nil
}

func (t *table[T]) create(body []byte) (any, error) {
	var v T
	if err := readStrict(body, &v); err != nil {
		return nil, err
	}
	if err := t.check(nil, v); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	id := strings.ToLower(newWorkerID()[:10])
	t.rows[id] = v
	return t.with(id, v), nil
}

func (t *table[T]) update(id string, body []byte) (any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old, ok := t.rows[id]
	if !ok {
		return nil, errNotFound
	}
	v := clone(old)
	if err := readUpdate(body, &v, t.fixed...); err != nil {
		return nil, err
	}
	if err := t.check(&old, v); err != nil {
		return nil, err
	}
	t.rows[id] = v
	return t.with(id, v), nil
}

func (t *table[T]) remove(id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.rows[id]; !ok {
		return errNotFound
	}
	delete(t.rows, id)
	return nil
}

// clone copies v by encoding it as JSON and decoding it again; all types of
// this API have JSON tags.
func clone[T any](v T) (out T) {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic(err) // JSON cannot hold a type of this package
	}
	return out
}

// containerSpec describes a container, in templates and endpoints.
type containerSpec struct {
	Image    string            `json:"image,omitempty"`
	Args     string            `json:"args,omitempty"`
	Disk     *int              `json:"disk,omitempty"` // GB
	Env      map[string]string `json:"env,omitempty"`
	Ports    []string          `json:"ports,omitempty"`
	Registry string            `json:"registry,omitempty"`
}

type templateSpec struct {
	Name string `json:"name"`
	containerSpec
	Serverless bool   `json:"serverless"`
	Public     bool   `json:"public"`
	Category   string `json:"category,omitempty"`
	Mounts     struct {
		Persistent *struct {
			Size int    `json:"size"` // GB
			Path string `json:"path"`
		} `json:"persistent,omitempty"`
	} `json:"mounts"`
	AllowedCUDAVersions []string `json:"allowedCudaVersions,omitempty"`
	StartSSH            *bool    `json:"startSsh,omitempty"`
	StartJupyter        *bool    `json:"startJupyter,omitempty"`
}

func checkTemplate(_ *templateSpec, t templateSpec) error {
	switch {
	case t.Name == "":
		return invalidField("name", "is required")
	case t.Image == "":
		return invalidField("image", "is required")
	case t.Disk != nil && *t.Disk < 1:
		return invalidField("disk", "must be 1 GB or more")
	case t.Mounts.Persistent != nil && (t.Mounts.Persistent.Size < 10 || t.Mounts.Persistent.Path == ""):
		return invalidField("mounts.persistent", "must have a path and a size of 10 GB or more")
	case !cudaVersions(t.AllowedCUDAVersions):
		return invalidField("allowedCudaVersions", "want versions such as 12.8")
	case t.Category != "" && !slices.Contains([]string{"CPU", "NVIDIA", "AMD"}, t.Category):
		return invalidField("category", "must be CPU, NVIDIA or AMD")
	}
	return nil
}

type volumeSpec struct {
	Name       string `json:"name"`
	Size       int    `json:"size"` // GB
	DataCenter string `json:"dataCenter"`
	Type       string `json:"type,omitempty"`
}

func checkVolume(old *volumeSpec, v volumeSpec) error {
	switch {
	case v.Name == "":
		return invalidField("name", "is required")
	case v.Size < 10 || v.Size > 4096:
		return invalidField("size", "must be 10 to 4096 GB")
	case v.DataCenter == "":
		return invalidField("dataCenter", "is required")
	case dataCenters[v.DataCenter] == "":
		return invalidField("dataCenter", "unknown data center %q", v.DataCenter)
	case v.Type != "" && v.Type != "STANDARD" && v.Type != "HIGH_PERFORMANCE":
		return invalidField("type", "must be STANDARD or HIGH_PERFORMANCE")
	case old != nil && v.Size < old.Size:
		return invalidField("size", "a volume can only grow")
	}
	return nil
}

// templateDisk is the default disk size of a template, in GB. The service does not document its
// default.
const templateDisk = 20

// An account holds the resources of the management API other than endpoints.
type account struct {
	templates  *table[templateSpec]
	volumes    *table[volumeSpec]
	credential *table[registrySpec]
}

func newAccount() account {
	type template struct { // all fields are present, even if they are empty
		ID string `json:"id"`
		templateSpec
		Args                string            `json:"args"`
		Disk                int               `json:"disk"`
		Env                 map[string]string `json:"env"`
		Ports               []string          `json:"ports"`
		Registry            *string           `json:"registry"`
		Category            string            `json:"category"`
		AllowedCUDAVersions []string          `json:"allowedCudaVersions"`
		StartSSH            bool              `json:"startSsh"`
		StartJupyter        bool              `json:"startJupyter"`
	}
	describe := func(id string, v templateSpec) any {
		t := template{ID: id, templateSpec: v, Args: v.Args, Disk: templateDisk, Env: v.Env, Ports: orEmpty(v.Ports), Category: cmp.Or(v.Category, "NVIDIA"),
			AllowedCUDAVersions: orEmpty(v.AllowedCUDAVersions), StartSSH: v.StartSSH == nil || *v.StartSSH, StartJupyter: v.StartJupyter == nil || *v.StartJupyter}
		if t.Env == nil {
			t.Env = map[string]string{}
		}
		if v.Disk != nil {
			t.Disk = *v.Disk
		}
		if v.Registry != "" {
			t.Registry = &v.Registry
		}
		return t
	}
	type volume struct {
		ID string `json:"id"`
		volumeSpec
	}
	a := account{
		credential: &table[registrySpec]{list: "registries", check: checkRegistry, rows: map[string]registrySpec{}, with: describeRegistry},
		templates:  &table[templateSpec]{list: "templates", rows: map[string]templateSpec{}, with: describe},
		volumes: &table[volumeSpec]{list: "networkVolumes", fixed: []string{notEmpty, "dataCenter", "type"}, check: checkVolume, rows: map[string]volumeSpec{},
			with: func(id string, v volumeSpec) any { def(&v.Type, "STANDARD"); return volume{id, v} }},
	}
	a.templates.check = func(old *templateSpec, t templateSpec) error {
		if err := checkTemplate(old, t); err != nil {
			return err
		}
		return a.checkRegistryID(t.Registry)
	}
	return a
}
