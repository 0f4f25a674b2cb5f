package deploy

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/runpod"
)

// Options say what to deploy. The zero value deploys the image that was pushed last on the
// cheapest GPU of 16 GB or more. If the endpoint exists, a field that is zero leaves the
// setting unchanged.
type Options struct {
	Name  string // name of the endpoint; default DefaultName
	Image string // default: the endpoint's, else see LastImage

	Pools   []string // pools of GPUs, in this order; default: by Memory, price and stock
	Memory  float64  // GB that a GPU must have; default 16
	GPUs    int      // number of GPUs of one worker; default 1
	MinCUDA string   // default "13.0", which the image of worker/pytorch needs: a driver of 13.0 runs CUDA 13.2

	MinWorkers  *int          // always on, always billed; default 0
	MaxWorkers  int           // default 1
	IdleTimeout time.Duration // how long a worker stays up without a job; default 10 s
	Timeout     time.Duration // timeout of jobs that set none; default 1 h. It is always sent
	FlashBoot   string        // "on", "priority" or "off"; default "on"
	Disk        int           // GB of a container; default 10

	Volume     string            // name or id of a network volume
	VolumeSize int               // GB; creates the volume if it does not exist
	DataCenter string            // data centre of a volume that is created
	Env        map[string]string // environment of the worker
	// AllowCode lets jobs bring Python code, which the worker runs in a process of its own.
	// nil leaves it as it is; a new endpoint does not allow it.
	AllowCode *bool
	// Addresses is a prefix of addresses that the worker may use: the addresses of the
	// bucket that train sends data through. It is added to those that the endpoint has.
	Addresses string
	Registry  string // id of the credentials for a private image

	DryRun  bool
	NoCheck bool          // no check job
	Wait    time.Duration // how long to wait for the check job; default 15 min
}

// DefaultName is the name of an endpoint if none is given.
const DefaultName = "gopherpod"

const (
	defaultMemory  = 16
	defaultCUDA    = "13.0"
	defaultIdle    = 10 * time.Second
	defaultTimeout = time.Hour
	defaultDisk    = 10
	defaultWait    = 15 * time.Minute
)

var flashBoots = map[string]runpod.FlashBoot{"on": runpod.FlashBootOn, "priority": runpod.FlashBootPriority, "off": runpod.FlashBootOff}

// Flags adds the options to a command line.
func (o *Options) Flags(fs *pflag.FlagSet) {
	fs.StringVar(&o.Name, "name", "", "`name` of the endpoint (default "+DefaultName+")")
	fs.StringVar(&o.Image, "image", "", "the worker's `image` (default: the endpoint's own, else the last that worker/pytorch/deploy.sh pushed)")
	fs.StringSliceVar(&o.Pools, "gpu", nil, "`pools` of GPUs in the order wanted, such as ADA_24,AMPERE_24 (default: by price and stock)")
	fs.Float64Var(&o.Memory, "memory", 0, "`GB` of memory that a GPU must have (default 16)")
	fs.IntVar(&o.GPUs, "gpus", 0, "`number` of GPUs of one worker (default 1)")
	fs.StringVar(&o.MinCUDA, "min-cuda", "", "least CUDA `version` of a worker's driver (default "+defaultCUDA+")")
	fs.Var(&optionalInt{&o.MinWorkers}, "min-workers", "`number` of workers always on and always billed (default 0)")
	fs.IntVar(&o.MaxWorkers, "max-workers", 0, "greatest `number` of workers (default 1)")
	fs.DurationVar(&o.IdleTimeout, "idle-timeout", 0, "a worker stays up for this `time` without a job, billed (default 10s)")
	fs.DurationVar(&o.Timeout, "timeout", 0, "a job that sets none ends after this `time` (default 1h)")
	fs.StringVar(&o.FlashBoot, "flashboot", "", "`how` stopped workers are kept for a quick return: on, priority or off (default on)")
	fs.IntVar(&o.Disk, "disk", 0, "`GB` of a container's disk (default 10)")
	fs.StringVar(&o.Volume, "volume", "", "network volume, by `name` or id, at /runpod-volume")
	fs.IntVar(&o.VolumeSize, "volume-size", 0, "make the volume with so many `GB` if there is none; it is billed until it is deleted")
	fs.StringVar(&o.DataCenter, "data-center", "", "`id` of the data centre of a volume that is made")
	fs.StringToStringVar(&o.Env, "env", nil, "`NAME=value` in the worker's environment; never a key")
	fs.Var(&optionalBool{&o.AllowCode}, "allow-code", "let jobs of this endpoint bring models as Python code; --allow-code=false forbids it again")
	fs.Lookup("allow-code").NoOptDefVal = "true"
	fs.StringVar(&o.Registry, "registry", "", "`id` of RunPod's credentials for a private image")
	fs.BoolVar(&o.DryRun, "dry-run", false, "show what would be done and what it costs; change nothing")
	fs.BoolVar(&o.NoCheck, "no-check", false, "run no check job, which starts a worker and costs its seconds")
	fs.DurationVar(&o.Wait, "wait", 0, "wait this `time` for the check job (default 15m)")
}

// check returns an error for options that no endpoint can have.
func (o Options) check() error {
	switch {
	case o.Image != "" && checkImage(o.Image) != nil:
		return wrong("--image %.80q is not the name of an image (%.200s); want PATH:TAG or PATH@DIGEST, as in you/worker:1", o.Image, checkImage(o.Image).Error())
	case o.Memory < 0 || o.GPUs < 0 || o.MaxWorkers < 0 || o.Disk < 0 || o.VolumeSize < 0:
		return wrong("a number is negative")
	case o.MinWorkers != nil && *o.MinWorkers < 0:
		return wrong("--min-workers %d is negative", *o.MinWorkers)
	case o.IdleTimeout != 0 && (o.IdleTimeout < time.Second || o.IdleTimeout > time.Hour):
		return wrong("--idle-timeout %v is not 1s to 1h", o.IdleTimeout)
	case o.Timeout != 0 && (o.Timeout < runpod.MinTimeout || o.Timeout > runpod.MaxTimeout):
		return wrong("--timeout %v is not 5s to 168h", o.Timeout)
	case o.Wait < 0:
		return wrong("--wait %v is negative", o.Wait)
	case o.FlashBoot != "" && flashBoots[o.FlashBoot] == "":
		return wrong("--flashboot %.20q is not on, priority or off", o.FlashBoot)
	case o.VolumeSize > 0 && (o.Volume == "" || o.DataCenter == ""):
		return wrong("--volume-size wants --volume and --data-center beside it")
	}
	for name := range o.Env {
		if name == envAllowCode && o.AllowCode != nil {
			return wrong("--env %s and --allow-code exclude each other", name)
		}
		if strings.Contains(strings.ToUpper(name), "API_KEY") {
			return wrong("--env %s: a worker needs no key of yours, and its environment can be read in the console", name)
		}
	}
	return nil
}

// wrong returns an error about an option or argument.
func wrong(format string, args ...any) error { return &Problem{text: fmt.Sprintf(format, args...)} }

// An optionalInt is an optional flag. 0 is a value and not the absence of the flag.
type optionalInt struct{ to **int }

func (o *optionalInt) String() string {
	if o.to == nil || *o.to == nil {
		return ""
	}
	return strconv.Itoa(**o.to)
}

func (o *optionalInt) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err == nil {
		*o.to = &n
	}
	return err
}

func (o *optionalInt) Type() string { return "int" }

// An optionalBool is an optional flag. false is a value and not the absence of the flag.
type optionalBool struct{ to **bool }

func (o *optionalBool) String() string {
	if o.to == nil || *o.to == nil {
		return ""
	}
	return strconv.FormatBool(**o.to)
}

func (o *optionalBool) Set(s string) error {
	b, err := strconv.ParseBool(s)
	if err == nil {
		*o.to = &b
	}
	return err
}

func (o *optionalBool) Type() string { return "" }
