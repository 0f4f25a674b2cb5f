package deploy

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/runpod/store/s3"
	"github.com/gopherpod/gopherpod/tensors/wording"
)

// StoreOptions are the options of the command store.
type StoreOptions struct {
	Dir    string
	Unused string // "30d", or as time.ParseDuration
	Size   string // "50GB"
	DryRun bool
}

// StoreUsage is the usage text after "gopherpod store".
const StoreUsage = "list|prune"

// Flags adds the options to a command line.
func (o *StoreOptions) Flags(fs *pflag.FlagSet) {
	fs.StringVar(&o.Dir, "dir", "", "the store in this `folder`, not the network volume or bucket that the environment names")
	fs.StringVar(&o.Unused, "unused", "", "prune: what was not used for this `time`, as in 30d or 12h (default 30d)")
	fs.StringVar(&o.Size, "size", "", "prune: what was used least recently, until this `size` is left, as in 50GB")
	fs.BoolVar(&o.DryRun, "dry-run", false, "prune: show what would go; remove nothing")
}

// RunStore runs the command store. It lists the data that was sent for jobs, in a folder or in
// the network volume or bucket that the environment names, or it removes data that was not
// used for long. It keeps data that a waiting or running job may need: data is touched when
// a job is sent, and no job lives longer than store.JobLife.
func RunStore(ctx context.Context, o StoreOptions, args []string, out io.Writer) error {
	if len(args) != 1 || args[0] != "list" && args[0] != "prune" {
		return wrong("want one of %s", strings.ReplaceAll(StoreUsage, "|", ", "))
	}
	if args[0] == "list" && (o.Unused != "" || o.Size != "" || o.DryRun) {
		return wrong("list has no options but --dir")
	}
	k, where, err := o.open()
	if err != nil {
		return Explain(err)
	}
	if args[0] == "list" {
		return Explain(listStore(ctx, k, where, out))
	}
	return Explain(o.prune(ctx, k, where, out))
}

// open returns the store, and a text that says where it is.
func (o StoreOptions) open() (store.Keeper, string, error) {
	if o.Dir != "" {
		if info, err := os.Stat(o.Dir); err != nil || !info.IsDir() {
			return nil, "", wrong("--dir %.200s is no folder", o.Dir)
		}
		return store.Dir(o.Dir), o.Dir, nil
	}
	c, ok, err := s3.FromEnv()
	kind := "network volume "
	if err == nil && !ok {
		kind = "bucket "
		c, ok, err = s3.BucketFromEnv()
	}
	if err != nil {
		return nil, "", err
	}
	if !ok {
		return nil, "", wrong("no store: set %s and its keys for a network volume, %s for a bucket, or give --dir", s3.EnvVolumeID, s3.EnvBucket)
	}
	b, err := s3.New(c)
	return b, kind + c.Bucket, err
}

func listStore(ctx context.Context, k store.Keeper, where string, out io.Writer) error {
	var all []store.Object
	var total int64
	for o, err := range k.List(ctx) {
		if err != nil {
			return err
		}
		all = append(all, o)
		total += o.Size
	}
	slices.SortFunc(all, func(a, b store.Object) int { return b.Used.Compare(a.Used) })
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, o := range all {
		fmt.Fprintf(w, "%s\t%s\tused %s ago\n", shortName(o.Name), wording.Bytes(o.Size), age(time.Since(o.Used)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %d objects, %s\n", where, len(all), wording.Bytes(total))
	return nil
}

// prune removes the objects over the limits.
func (o StoreOptions) prune(ctx context.Context, k store.Keeper, where string, out io.Writer) error {
	l, err := o.limit()
	if err != nil {
		return err
	}
	if why := busy(ctx, l); why != "" {
		l.Spare = store.JobLife
		fmt.Fprintf(out, "%s: what was used in the last 7 days stays\n", why)
	}
	excess, p, err := store.Excess(ctx, k, l)
	if err != nil {
		return err
	}
	verb := "removed"
	if o.DryRun {
		verb = "would be removed"
		for _, e := range excess {
			p.Removed++
			p.RemovedSize += e.Size
			fmt.Fprintf(out, "%s  %s  used %s ago\n", shortName(e.Name), wording.Bytes(e.Size), age(time.Since(e.Used)))
		}
	} else if p, err = store.Prune(ctx, k, l); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %d of %d objects %s, %s of %s", where, p.Removed, p.Objects, verb, wording.Bytes(p.RemovedSize), wording.Bytes(p.Bytes))
	if p.Spared > 0 {
		fmt.Fprintf(out, "; %d stay although they are over the limit", p.Spared)
	}
	fmt.Fprintln(out)
	return nil
}

func (o StoreOptions) limit() (l store.Limit, err error) {
	if o.Unused == "" && o.Size == "" {
		o.Unused = "30d"
	}
	if o.Unused != "" {
		if l.Unused, err = ParseAge(o.Unused); err != nil {
			return l, wrong("--unused %.40q: want a time above 0, as in 30d or 12h", o.Unused)
		}
	}
	if o.Size != "" {
		if l.Bytes, err = parseBytes(o.Size); err != nil {
			return l, wrong("--size %.40q: want a size above 0, as in 50GB", o.Size)
		}
	}
	return l, nil
}

// busy returns why recent data must be kept, or "": the limits could remove the data of a job,
// and the endpoint has jobs or does not answer.
func busy(ctx context.Context, l store.Limit) string {
	if l.Bytes == 0 && l.Unused >= store.JobLife {
		return ""
	}
	client, config, err := connect()
	if err != nil || config.EndpointID == "" {
		return "no endpoint can be asked whether jobs run"
	}
	h, err := client.Endpoint(config.EndpointID).Health(ctx)
	switch {
	case err != nil:
		return fmt.Sprintf("endpoint %s does not report whether jobs run", config.EndpointID)
	case h.Jobs.InQueue+h.Jobs.InProgress > 0:
		return fmt.Sprintf("endpoint %s has %d jobs", config.EndpointID, h.Jobs.InQueue+h.Jobs.InProgress)
	}
	return ""
}

// ParseAge reads a time above 0: "30d", and what time.ParseDuration reads.
func ParseAge(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n float64
		if n, err = strconv.ParseFloat(days, 64); n > 36500 {
			err = strconv.ErrRange
		}
		d = time.Duration(n * float64(24*time.Hour))
	}
	if err == nil && d <= 0 {
		err = strconv.ErrRange
	}
	return d, err
}

// parseBytes reads "50GB", "1.5 TB", "900MB"; a B may be left out.
func parseBytes(s string) (int64, error) {
	s = strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(s)), "B")
	factor := 1.0
	for i, unit := range []string{"K", "M", "G", "T"} {
		if n, ok := strings.CutSuffix(s, unit); ok {
			s, factor = n, math.Pow(1000, float64(i+1))
		}
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err == nil && !(n*factor >= 1 && n*factor < 1<<62) {
		err = strconv.ErrRange
	}
	return int64(n * factor), err
}

// shortName returns the kind of an object and the start of its digest.
func shortName(n store.Name) string {
	base := path.Base(string(n))
	kind := map[string]string{".safetensors": "array", ".parts": "list", "": "part"}[path.Ext(base)]
	if strings.HasPrefix(string(n), "results/") {
		kind = "result"
	}
	return fmt.Sprintf("%.12s  %s", base, kind)
}

func age(d time.Duration) string {
	switch {
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
