package deploy

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
)

// A Plan says what Apply would do. Making a plan changes nothing.
type Plan struct {
	// Existing is the existing endpoint with the planned name, or nil.
	Existing *runpod.EndpointInfo
	// Spec is the complete planned endpoint.
	Spec runpod.EndpointSpec
	// Template is the planned template. Spec gets its id when the template is created.
	Template runpod.TemplateSpec
	// Pools are the pools of Spec, with prices.
	Pools []runpod.Pool

	template  *runpod.Template   // existing template with the planned name, or nil
	volume    string             // the volume in words, or empty
	newVolume *runpod.VolumeSpec // volume to create, or nil
	options   Options
}

// NewPlan compares the account with the options and returns what has to be done.
func NewPlan(ctx context.Context, m *runpod.Management, o Options) (*Plan, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o.Name = cmp.Or(o.Name, DefaultName)
	p := &Plan{options: o}
	var err error
	if p.Existing, err = byName(ctx, m, o.Name); err != nil {
		return nil, err
	}
	if p.Existing != nil && p.Existing.Type != runpod.TypeQueue && p.Existing.Type != "" {
		return nil, wrong("endpoint %s is a load balancer's, which takes no jobs; give another --name", o.Name)
	}
	if p.Existing != nil { // o.Name may be its id
		o.Name = plainName(*p.Existing)
		p.options.Name = o.Name
	}
	p.Spec = p.start()
	if p.Spec.Image == "" {
		return nil, wrong("no image: give --image, or make and push one with worker/pytorch/deploy.sh")
	}
	if w := p.Spec.Workers; w.Min > w.Max {
		return nil, wrong("--min-workers %d is more than --max-workers %d", w.Min, w.Max)
	}
	if p.Spec.Workers.Max == 0 && !o.NoCheck {
		return nil, wrong("endpoint %s is scaled to 0 workers, so that no job runs; give --max-workers, or --no-check", o.Name)
	}
	center, err := p.findVolume(ctx, m)
	if err != nil {
		return nil, err
	}
	if err := p.chooseGPU(ctx, m, center); err != nil {
		return nil, err
	}
	return p, p.findTemplate(ctx, m)
}

// start returns the spec of the existing endpoint, or an empty one, with the options applied.
func (p *Plan) start() runpod.EndpointSpec {
	o := p.options
	s := runpod.EndpointSpec{Scaling: runpod.ScaleOnDelay(4 * time.Second), FlashBoot: runpod.FlashBootOn}
	s.Image, s.Disk, s.Timeout = LastImage(), defaultDisk, defaultTimeout.Milliseconds()
	s.Workers = &runpod.WorkerBounds{Max: 1, IdleTimeout: int(defaultIdle.Seconds())}
	if p.Existing != nil {
		base := s
		s = p.Existing.EndpointSpec
		s.Image = cmp.Or(s.Image, base.Image)
		s.Timeout = cmp.Or(s.Timeout, base.Timeout)
		s.Scaling = cmp.Or(s.Scaling, base.Scaling)
		workers := *cmp.Or(s.Workers, base.Workers)
		s.Workers = &workers
	}
	s.Name, s.Type = o.Name, runpod.TypeQueue
	s.Image = cmp.Or(o.Image, s.Image)
	s.Disk = cmp.Or(o.Disk, s.Disk)
	s.Registry = cmp.Or(o.Registry, s.Registry)
	s.Timeout = cmp.Or(o.Timeout.Milliseconds(), s.Timeout)
	s.FlashBoot = cmp.Or(flashBoots[o.FlashBoot], s.FlashBoot)
	s.Workers.Max = cmp.Or(o.MaxWorkers, max(s.Workers.Max, value(o.MinWorkers)))
	if o.MinWorkers != nil {
		s.Workers.Min = *o.MinWorkers
	}
	s.Workers.IdleTimeout = cmp.Or(int(o.IdleTimeout.Round(time.Second).Seconds()), s.Workers.IdleTimeout)
	if len(o.Env) > 0 || o.Addresses != "" || o.AllowCode != nil {
		env := maps.Clone(s.Env)
		if env == nil {
			env = map[string]string{}
		}
		maps.Copy(env, o.Env)
		if rules := env[envAllow]; o.Addresses != "" && !slices.Contains(strings.Split(rules, ","), o.Addresses) {
			env[envAllow] = strings.TrimPrefix(rules+","+o.Addresses, ",")
		}
		switch {
		case o.AllowCode == nil:
		case *o.AllowCode:
			env[envAllowCode] = "1"
		default:
			env[envAllowCode] = "0" // an empty environment would leave the endpoint's as it is
		}
		s.Env = env
	}
	return s
}

// envAllowCode is 1 if a worker runs code from requests (worker/pytorch).
const envAllowCode = "GOPHERPOD_ALLOW_CODE"

// envAllow holds the addresses that a worker may use (worker/address).
const envAllow = "GOPHERPOD_ALLOW_URLS"

func value(p *int) int {
	if p == nil {
		return 0
	}
	return *p
}

// findVolume looks for the volume of the options, and returns its data centre.
func (p *Plan) findVolume(ctx context.Context, m *runpod.Management) (center string, err error) {
	o := p.options
	if o.Volume == "" {
		p.volume = strings.Join(p.Spec.NetworkVolumes, ", ")
		return "", nil
	}
	all, err := m.Volumes(ctx)
	if err != nil {
		return "", err
	}
	found := slices.DeleteFunc(all, func(v runpod.Volume) bool { return v.ID != o.Volume && v.Name != o.Volume })
	switch {
	case len(found) > 1:
		return "", wrong("several volumes are named %.80q; give the id of one", o.Volume)
	case len(found) == 1:
		p.useVolume(found[0])
		return found[0].DataCenter, nil
	case o.VolumeSize == 0:
		return "", wrong("no volume %.80q; --volume-size GB and --data-center ID make one, which is billed until it is deleted", o.Volume)
	}
	p.newVolume = &runpod.VolumeSpec{Name: o.Volume, Size: o.VolumeSize, DataCenter: o.DataCenter}
	return o.DataCenter, nil
}

// useVolume makes the endpoint use a volume.
func (p *Plan) useVolume(v runpod.Volume) {
	p.volume = v.Name + " (" + v.ID + ")"
	p.Spec.NetworkVolumes = []string{v.ID}
	p.Spec.DataCenterIDs = []string{v.DataCenter}
}

// chooseGPU sets the pools of the endpoint. It keeps the pools of an existing endpoint unless
// the options change them.
func (p *Plan) chooseGPU(ctx context.Context, m *runpod.Management, center string) error {
	o := p.options
	gpu := runpod.GPUChoice{Count: 1, MinCUDAVersion: defaultCUDA}
	keep := p.Existing != nil && p.Spec.GPU != nil
	if keep {
		gpu = *p.Spec.GPU
	} else if p.Existing != nil {
		return wrong("endpoint %s runs on CPUs, which cannot be changed; give another --name", o.Name)
	}
	gpu.Count = max(cmp.Or(o.GPUs, gpu.Count), 1)
	if o.MinCUDA != "" {
		gpu.MinCUDAVersion, gpu.AllowedCUDAVersions = o.MinCUDA, nil
	}
	cards, err := m.GPUs(ctx, runpod.GPUQuery{Stock: true, Count: gpu.Count, MinCUDAVersion: gpu.MinCUDAVersion})
	if err != nil && len(o.Pools) == 0 && !(keep && o.Memory == 0) {
		return fmt.Errorf("cannot choose a GPU without the catalogue; --gpu POOL names one: %w", err)
	}
	pools := runpod.Pools(cards) // none without the catalogue: prices are then those of the dated table
	switch {
	case len(o.Pools) > 0:
		p.Pools, err = namedPools(pools, o.Pools)
	case keep && o.Memory == 0 && len(gpu.Pools) > 0:
		p.Pools, err = pricedPools(pools, gpu.Pools), nil
	default:
		p.Pools, err = choosePools(pools, cmp.Or(o.Memory, defaultMemory), center)
	}
	if err != nil {
		return err
	}
	gpu.Pools = poolIDs(p.Pools)
	if !keep || !slices.Equal(gpu.Pools, p.Spec.GPU.Pools) {
		gpu.ExcludedTypes = nil
	}
	p.Spec.GPU = &gpu
	return nil
}

// findTemplate finds the template of the endpoint and plans its settings. They are the same
// as the endpoint's, so that the console shows the same for both.
func (p *Plan) findTemplate(ctx context.Context, m *runpod.Management) error {
	off := false
	p.Template = runpod.TemplateSpec{Name: p.options.Name + "-worker", Container: p.Spec.Container,
		Serverless: true, Category: "NVIDIA", StartSSH: &off, StartJupyter: &off}
	var err error
	p.template, err = m.FindTemplate(ctx, p.Template.Name)
	return err
}

// byName returns the endpoint with that name, or nil. The service appends " -fb" to the names
// of endpoints with FlashBoot.
func byName(ctx context.Context, m *runpod.Management, name string) (*runpod.EndpointInfo, error) {
	all, err := m.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	return pick(all, name)
}

// pick returns the endpoint with that id, or the only one with that name, or nil.
func pick(all []runpod.EndpointInfo, name string) (*runpod.EndpointInfo, error) {
	var found []runpod.EndpointInfo
	for _, e := range all {
		if string(e.ID) == name {
			return &e, nil
		}
		if plainName(e) == strings.TrimSuffix(name, " -fb") {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return &found[0], nil
	}
	return nil, wrong("several endpoints are named %.80q; gopherpod endpoint delete ID removes those that are too many", name)
}

// plainName returns the name without what the service appends.
func plainName(e runpod.EndpointInfo) string { return strings.TrimSuffix(e.Name, " -fb") }
