package deploy

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/runpod"
)

// EndpointOptions are the options of the command endpoint.
type EndpointOptions struct {
	Yes           bool // delete
	Min, Max      *int // scale
	Idle          time.Duration
	Follow        bool // logs
	Tail          int
	Worker        string
	Source        string
	flags         *pflag.FlagSet
	client        *runpod.Client
	configuration runpod.Config
}

// optionsOf lists the options of each subcommand.
var optionsOf = map[string][]string{
	"list": {}, "show": {}, "logs": {"follow", "tail", "worker", "source"},
	"scale": {"min", "max", "idle-timeout"}, "delete": {"yes"},
}

// EndpointUsage is the usage text after "gopherpod endpoint".
const EndpointUsage = "list|show|logs|scale|delete [NAME|ID]"

// Flags adds the options to a command line.
func (o *EndpointOptions) Flags(fs *pflag.FlagSet) {
	o.flags = fs
	fs.BoolVar(&o.Yes, "yes", false, "delete: really")
	fs.Var(&optionalInt{&o.Min}, "min", "scale: `number` of workers always on and always billed")
	fs.Var(&optionalInt{&o.Max}, "max", "scale: greatest `number` of workers; 0 stops the endpoint")
	fs.DurationVar(&o.Idle, "idle-timeout", 0, "scale: a worker stays up for this `time` without a job, billed")
	fs.BoolVarP(&o.Follow, "follow", "f", false, "logs: go on with new lines until interrupted")
	fs.IntVar(&o.Tail, "tail", 0, "logs: `number` of lines before now (default 100)")
	fs.StringVar(&o.Worker, "worker", "", "logs: of the worker with this `ID` only")
	fs.StringVar(&o.Source, "source", "", "logs: of this `kind` only: container or system")
}

// RunEndpoint runs the command endpoint. The first argument is the subcommand, the second an
// endpoint's name or id, by default RUNPOD_ENDPOINT_ID. Errors are one line that includes
// the next step.
func RunEndpoint(ctx context.Context, o EndpointOptions, args []string, out io.Writer) error {
	return Explain(o.run(ctx, args, out))
}

func (o EndpointOptions) run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || len(args) > 2 {
		return wrong("want %s", EndpointUsage)
	}
	word, allowed := args[0], optionsOf[args[0]]
	if allowed == nil {
		return wrong("%.40q: want %s", word, EndpointUsage)
	}
	if err := o.check(word, allowed); err != nil {
		return err
	}
	var err error
	if o.client, o.configuration, err = connect(); err != nil {
		return err
	}
	all, err := o.client.Management().Endpoints(ctx)
	if err != nil {
		return err
	}
	if word == "list" {
		if len(args) > 1 {
			return wrong("endpoint list takes no name")
		}
		return o.list(all, out)
	}
	e, err := o.find(all, word, args[1:])
	if err != nil {
		return err
	}
	return map[string]func(context.Context, *runpod.EndpointInfo, io.Writer) error{
		"show": o.show, "logs": o.logs, "scale": o.scale, "delete": o.remove,
	}[word](ctx, e, out)
}

// check returns an error for options of another subcommand, and for values out of range.
func (o EndpointOptions) check(word string, allowed []string) (err error) {
	if o.flags != nil {
		o.flags.Visit(func(f *pflag.Flag) {
			if !slices.Contains(allowed, f.Name) {
				err = wrong("endpoint %s has no option --%s", word, f.Name)
			}
		})
	}
	switch {
	case err != nil:
		return err
	case value(o.Min) < 0 || value(o.Max) < 0:
		return wrong("a number of workers is negative")
	case o.Idle != 0 && (o.Idle < time.Second || o.Idle > time.Hour):
		return wrong("--idle-timeout %v is not 1s to 1h", o.Idle)
	case o.Tail < 0 || o.Tail > 5000:
		return wrong("--tail %d is not 0 to 5000", o.Tail)
	case o.Source != "" && o.Source != "container" && o.Source != "system":
		return wrong("--source %.20q is not container or system", o.Source)
	case word == "scale" && o.Min == nil && o.Max == nil && o.Idle == 0:
		return wrong("endpoint scale wants --min, --max or --idle-timeout")
	}
	return nil
}

// find returns the endpoint that args name, else the one that RUNPOD_ENDPOINT_ID names.
func (o EndpointOptions) find(all []runpod.EndpointInfo, word string, args []string) (*runpod.EndpointInfo, error) {
	name := string(o.configuration.EndpointID)
	switch {
	case len(args) == 1:
		name = args[0]
	case word == "delete":
		return nil, wrong("endpoint delete wants a name or an id")
	case name == "":
		return nil, wrong("which endpoint? give a name or an id, or set %s", runpod.EnvEndpointID)
	}
	e, err := pick(all, name)
	if err == nil && e == nil {
		err = wrong("there is no endpoint %.80q; gopherpod endpoint list shows what there is", name)
	}
	return e, err
}

func (o EndpointOptions) list(all []runpod.EndpointInfo, out io.Writer) error {
	if len(all) == 0 {
		fmt.Fprintln(out, "no endpoints; gopherpod deploy makes one")
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tNAME\tID\tGPU\tWORKERS\tIMAGE")
	for _, e := range all {
		mark := ""
		if e.ID == o.configuration.EndpointID {
			mark = "*"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", mark, oneLine(plainName(e)), oneLine(string(e.ID)), oneLine(gpuInWords(e)), bounds(e), oneLine(e.Image))
	}
	return w.Flush()
}

func gpuInWords(e runpod.EndpointInfo) string {
	if e.GPU == nil {
		return "CPU"
	}
	s := strings.Join(e.GPU.Pools, ",")
	if e.GPU.Count > 1 {
		s = strconv.Itoa(e.GPU.Count) + " x " + s
	}
	return s
}

func bounds(e runpod.EndpointInfo) string {
	if e.Workers == nil {
		return "?"
	}
	return fmt.Sprintf("%d to %d", e.Workers.Min, e.Workers.Max)
}

// show prints the endpoint's settings, the state of its workers, and its releases.
func (o EndpointOptions) show(ctx context.Context, e *runpod.EndpointInfo, out io.Writer) error {
	m := o.client.Management()
	workers, err := m.Workers(ctx, e.ID)
	if err != nil {
		return err
	}
	releases, err := m.Releases(ctx, e.ID)
	if err != nil {
		return err
	}
	line := func(name, format string, args ...any) {
		fmt.Fprintf(out, "%-10s %s\n", name, oneLine(fmt.Sprintf(format, args...)))
	}
	line("endpoint", "%s (%s), since %s", plainName(*e), e.ID, e.CreatedAt.UTC().Format(time.DateTime))
	line("image", "%s", e.Image)
	line("GPU", "%s", gpuInWords(*e))
	line("workers", "%s", boundsAndIdle(*e))
	line("jobs", "end after %s unless they say otherwise; FlashBoot %s", timeout(*e), e.FlashBoot)
	if len(e.NetworkVolumes) > 0 {
		line("volume", "%s", strings.Join(e.NetworkVolumes, ", "))
	}
	if h, err := o.client.Endpoint(e.ID).Health(ctx); err != nil {
		line("health", "%s", trimmed(err))
	} else {
		line("health", "%d queued, %d in progress, %d completed, %d failed", h.Jobs.InQueue, h.Jobs.InProgress, h.Jobs.Completed, h.Jobs.Failed)
		if h.Jobs.InQueue > 0 {
			if why, err := o.client.Endpoint(e.ID).Waiting(ctx, 0); err == nil {
				line("waiting", "%s", strings.Replace(why, " (0 s so far)", "", 1))
			}
		}
	}
	for _, w := range workers.Workers {
		stale := ""
		if w.IsStale {
			stale = ", of an earlier release"
		}
		line("worker", "%s  %s, %d x %s, %s, up %v%s", w.ID, w.Status, max(w.GPUCount, 1), w.GPUTypeID, w.DataCenterID,
			time.Duration(w.UptimeSeconds)*time.Second, stale)
	}
	for _, r := range releases[:min(len(releases), 5)] {
		var changed []string
		for _, d := range r.Diff {
			changed = append(changed, d.Field)
		}
		line("release", "%d, %s %s", r.Version, r.CreatedAt.UTC().Format(time.DateTime), strings.Join(changed, ", "))
	}
	return nil
}

func boundsAndIdle(e runpod.EndpointInfo) string {
	if e.Workers == nil || e.Workers.IdleTimeout == 0 {
		return bounds(e)
	}
	return fmt.Sprintf("%s, stay %d s without a job", bounds(e), e.Workers.IdleTimeout)
}

func timeout(e runpod.EndpointInfo) string {
	if e.Timeout == 0 {
		return "no time"
	}
	return (time.Duration(e.Timeout) * time.Millisecond).String()
}

// scale changes the bounds on the number of workers.
func (o EndpointOptions) scale(ctx context.Context, e *runpod.EndpointInfo, out io.Writer) error {
	w := runpod.WorkerBounds{Max: 3} // the service's defaults
	if e.Workers != nil {
		w = *e.Workers
	}
	if o.Min != nil {
		w.Min = *o.Min
	}
	if o.Max != nil {
		w.Max = *o.Max
	}
	if o.Idle != 0 {
		w.IdleTimeout = int(o.Idle.Round(time.Second).Seconds())
	}
	if w.Min > w.Max {
		return wrong("%d to %d workers: the least is more than the most; give --min and --max", w.Min, w.Max)
	}
	o.price(ctx, e, w, out)
	after, err := o.client.Management().UpdateEndpoint(ctx, e.ID, runpod.EndpointSpec{Workers: &w})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "endpoint %s (%s): workers %s\n", oneLine(plainName(*after)), after.ID, boundsAndIdle(*after))
	if w.Min > 0 {
		fmt.Fprintf(out, "%d always on, billed day and night\n", w.Min)
	}
	return nil
}

// price says what workers with those bounds cost, before they are set.
func (o EndpointOptions) price(ctx context.Context, e *runpod.EndpointInfo, w runpod.WorkerBounds, out io.Writer) {
	if e.GPU == nil {
		return
	}
	cards, err := o.client.Management().GPUs(ctx, runpod.GPUQuery{})
	if err != nil {
		cards = nil // prices are then those of the dated table
	}
	p := Plan{Spec: runpod.EndpointSpec{GPU: e.GPU, Workers: &w}, Pools: pricedPools(runpod.Pools(cards), e.GPU.Pools)}
	p.cost(func(name, format string, args ...any) {
		fmt.Fprintf(out, "%-10s %s\n", name, oneLine(fmt.Sprintf(format, args...)))
	})
	if err != nil {
		fmt.Fprintf(out, "%-10s prices of the table of %s, because the catalogue did not answer\n", "", runpod.PricesAsOf)
	}
}

// remove deletes the endpoint. Its template and volumes stay.
func (o EndpointOptions) remove(ctx context.Context, e *runpod.EndpointInfo, out io.Writer) error {
	name := fmt.Sprintf("%s (%s)", oneLine(plainName(*e)), e.ID)
	if !o.Yes {
		return wrong("nothing was deleted: endpoint %s, its workers and its jobs end with --yes", name)
	}
	if err := o.client.Management().DeleteEndpoint(ctx, e.ID); err != nil {
		return err
	}
	fmt.Fprintf(out, "endpoint %s: deleted\n", name)
	if len(e.NetworkVolumes) > 0 {
		fmt.Fprintf(out, "volume %s stays, and is billed until it is deleted in the console\n", oneLine(strings.Join(e.NetworkVolumes, ", ")))
	}
	if o.configuration.EndpointID == e.ID {
		fmt.Fprintf(out, "%s still names it: remove that from .env or the environment\n", runpod.EnvEndpointID)
	}
	return nil
}
