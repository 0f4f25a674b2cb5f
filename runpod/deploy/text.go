package deploy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
)

// String describes the plan and its cost, as --dry-run shows it.
func (p *Plan) String() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", name, oneLine(fmt.Sprintf(format, args...)))
	}
	s := p.Spec
	if p.Existing != nil {
		line("endpoint", "%s, exists as %s", s.Name, p.Existing.ID)
	} else {
		line("endpoint", "%s, to be made", s.Name)
	}
	line("image", "%s, %d GB of disk", s.Image, s.Disk)
	line("template", "%s, %s", p.Template.Name, map[bool]string{true: "to be made", false: "exists"}[p.template == nil])
	for i, pool := range p.Pools {
		line(map[bool]string{true: "GPU", false: "  else"}[i == 0], "%d of %s", s.GPU.Count, poolInWords(pool))
	}
	if !slices.ContainsFunc(p.Pools, func(pool runpod.Pool) bool { return pool.Stock != runpod.StockNone }) {
		line("", "none of these is available now: jobs will wait")
	}
	line("workers", "%d to %d, %s", s.Workers.Min, s.Workers.Max, p.idleInWords())
	if s.Env[envAllowCode] == "1" {
		line("code", "jobs may bring models as Python, which a worker runs in a process of its own; --allow-code=false forbids it")
	}
	line("jobs", "end after %v unless they say otherwise; FlashBoot %s", time.Duration(s.Timeout)*time.Millisecond, cmp.Or(string(s.FlashBoot), "OFF"))
	if v := p.newVolume; v != nil {
		line("volume", "%s, to be made: %d GB in %s, about $%.2f a month until it is deleted", v.Name, v.Size, v.DataCenter, volumeMonthly(v.Size))
	} else if p.volume != "" {
		line("volume", "%s", p.volume)
	}
	for _, change := range p.changes() {
		line("change", "%s", change)
	}
	if p.Existing != nil && len(p.changes()) == 0 {
		line("change", "none")
	}
	if !p.options.NoCheck {
		line("check", "one job, which starts a worker and costs its seconds")
	}
	p.cost(line)
	return b.String()
}

func (p *Plan) idleInWords() string {
	if p.Spec.Workers.IdleTimeout == 0 {
		return "the service's idle timeout"
	}
	return fmt.Sprintf("stay %d s without a job", p.Spec.Workers.IdleTimeout)
}

// cost writes what workers cost: at work, idle after a job, and always on.
func (p *Plan) cost(line func(name, format string, args ...any)) {
	low, high := p.hourly()
	w := p.Spec.Workers
	if high == 0 {
		line("cost", "not known: the catalogue has no price of these GPUs")
		return
	}
	line("cost", "%s a second, %s an hour for each worker from its start to its stop", dollars(low/3600, high/3600, 5), dollars(low, high, 3))
	line("", "at most %s an hour with %d at work", dollars(high*float64(w.Max), high*float64(w.Max), 3), w.Max)
	if w.IdleTimeout > 0 {
		idle := float64(w.IdleTimeout) / 3600
		line("  idle", "%s for the %d s that a worker waits after its last job", dollars(low*idle, high*idle, 5), w.IdleTimeout)
	}
	if w.Min == 0 {
		line("", "nothing while no worker is up")
	} else {
		always := float64(w.Min)
		line("", "%s an hour, day and night, for %d always on", dollars(low*always, high*always, 3), w.Min)
	}
}

// hourly returns the price of a worker per hour on the cheapest and the dearest of its pools.
func (p *Plan) hourly() (low, high float64) {
	for _, pool := range p.Pools {
		worker := pool.Hourly * float64(p.Spec.GPU.Count)
		high = max(high, worker)
		if low == 0 || worker > 0 && worker < low {
			low = worker
		}
	}
	return low, high
}

// dollars returns a text such as "$0.576" or "$0.576 to $0.684".
func dollars(low, high float64, digits int) string {
	a, b := fmt.Sprintf("$%.*f", digits, low), fmt.Sprintf("$%.*f", digits, high)
	if a == b {
		return a
	}
	return a + " to " + b
}

// volumeMonthly returns the price of a volume per month, in US dollars.
//
// Source: docs.runpod.io, Serverless, "Pricing": $0.07 a GB below 1 TB, $0.05 above.
func volumeMonthly(gb int) float64 {
	return 0.07*float64(min(gb, 1000)) + 0.05*float64(max(gb-1000, 0))
}

// changes lists how the planned endpoint differs from the existing one.
func (p *Plan) changes() []string {
	if p.Existing == nil {
		return nil
	}
	old := p.Existing.EndpointSpec
	old.Name, old.Type, old.TemplateID = p.Spec.Name, p.Spec.Type, p.Spec.TemplateID
	before, after := fields(old), fields(p.Spec)
	var names, out []string
	for name := range after {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if name == "env" { // values may be private
			if string(before[name]) != string(after[name]) {
				out = append(out, "env")
			}
			continue
		}
		if string(before[name]) != string(after[name]) {
			out = append(out, fmt.Sprintf("%s: %s -> %s", name, cmp.Or(string(before[name]), "none"), after[name]))
		}
	}
	if p.newVolume != nil {
		out = append(out, "networkVolumes: "+p.newVolume.Name)
	}
	return out
}

func fields(s runpod.EndpointSpec) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	b, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		return nil
	}
	return out
}
