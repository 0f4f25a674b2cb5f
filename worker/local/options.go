package local

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/policy"
)

// Options configure a Server. The zero value listens on a free loopback port,
// with a random key and no worker: jobs wait until a worker attaches.
type Options struct {
	// Addr is the address to listen on. The default is "127.0.0.1:0". A host
	// other than loopback opens the endpoint to the network, protected by the key
	// only.
	Addr string
	// Listener is used instead of Addr if it is set; Close closes it.
	Listener net.Listener
	// Key is what clients and workers must present. The default is random.
	Key string
	// EndpointID is the endpoint's name in paths. The default is "local".
	EndpointID string

	// Handler runs the jobs in this process. If it is nil, only Runner and
	// attached workers run them.
	Handler worker.Handler
	// Runner starts workers in separate processes, if Handler is nil.
	Runner Runner
	// Workers is how many workers run, each with one job at a time. The default
	// is 1 if there is a Handler or a Runner.
	Workers int
	// Scaling, if set, replaces Workers: it starts and stops workers as jobs
	// come and go.
	Scaling *Scaling
	// PricePerHour is what a worker costs in US dollars per hour, for /v2/billing.
	// The default is 0. Endpoints created through the management API have the price
	// of their GPU.
	PricePerHour float64
	// PageSize is how many items of a list of the management API are on one page. The
	// default is 100.
	PageSize int
	// Limits are the rate limits by operation. Nil means DefaultLimits; an
	// empty map means no limits.
	Limits map[string]Limit
	// WebhookClient posts webhooks. The default is http.DefaultClient.
	WebhookClient *http.Client

	// ExecutionTimeout bounds jobs whose policy does not set one. The default is
	// 10 minutes.
	ExecutionTimeout time.Duration
	// TTL is how long a job may exist if its policy does not say. The default
	// is 24 hours.
	TTL time.Duration
	// Retention is how long the result of /run is kept after the job has ended. The
	// default is 30 minutes.
	Retention time.Duration
	// SyncRetention is the same for /runsync. The default is 1 minute.
	SyncRetention time.Duration
	// VisibleAfter is how long after /run a job is unknown to status, stream, cancel and
	// retry. RunPod's service is eventually consistent, so this can happen there. The
	// default is 0.
	VisibleAfter time.Duration
	// HeartbeatTimeout is how long the pings of an attached worker may omit a
	// job before the worker counts as lost. The default is 40 s, four pings.
	HeartbeatTimeout time.Duration

	// MaxRun and MaxRunSync bound the bodies of /run and /runsync in bytes;
	// MaxRunSync also bounds results. The defaults are 10 MiB and 20 MiB.
	MaxRun, MaxRunSync int
	// MaxChunk bounds a stream chunk in bytes. The default is 1 MB.
	MaxChunk int
	// MaxQueued is how many jobs may wait; more are refused with 429. The
	// default follows the workers, as on the service: 500 for each worker that may run
	// or that has attached, whichever are more.
	MaxQueued int

	// StoreDir is a folder of arrays. WorkerEnv passes it to attached workers, as
	// GOPHERPOD_STORE of the PyTorch worker; the Go engine uses it through
	// FolderStore. The default is no folder.
	StoreDir string
	// StateDir is a folder that keeps the jobs on disk, so that a restart with the
	// same folder loses none. If it is empty, jobs are in memory only.
	StateDir string

	// Faults are injected at the start; see Inject.
	Faults []Fault

	// MaxBytes bounds the memory that jobs hold. Beyond it, the oldest results are
	// forgotten early; if that is not enough, new jobs are refused with 429. The
	// default is 2 GiB.
	MaxBytes int64

	// Unknown sets how the endpoint behaves where RunPod's documentation is
	// silent.
	Unknown Unknown

	// Clock is the endpoint's clock. The default is a SkipClock.
	Clock Clock
	// Log receives events, never keys or inputs. The default discards them.
	Log *slog.Logger
}

// Unknown holds behavior on which RunPod's documentation is silent or
// contradicts itself. The zero value is the most likely behavior.
type Unknown struct {
	// Overtime is the status of a job that exceeds its executionTimeout:
	// TIMED_OUT (the default) or FAILED.
	Overtime Status
	// TooLarge is the HTTP status for a body over the limit: 413 (the default) or
	// 400.
	TooLarge int
	// LateProgress lets a progress update that arrives after the result set the
	// job back to IN_PROGRESS, as runpod-python issue 250 reports.
	LateProgress bool
	// NaN accepts bare NaN and Infinity from workers and replaces them with
	// null. If it is false, such a result is refused with 400.
	NaN bool
}

const (
	// queuedPerWorker is how many jobs may wait for each worker, and leastQueued how many may
	// wait in any case. How many jobs a worker takes at a time does not matter, because the
	// service does not know it.
	//
	// Source: docs.runpod.io, Serverless, "Send API requests", rate limits: 429 if the queue has
	// more than 50 jobs and more than MAX_WORKERS * 500.
	queuedPerWorker = 500
	leastQueued     = 50

	waitMin     = time.Second
	waitMax     = 300 * time.Second
	runSyncWait = 90 * time.Second
	// statusWait is how long /status-sync waits without ?wait.
	statusWait = 90 * time.Second
	// streamWait is how long /stream waits if there is no chunk. The documentation
	// says 10 s, but the official client gives up after exactly 10 s.
	streamWait = 9500 * time.Millisecond
	// takeWait is how long a worker's poll waits for a job; the SDK gives up
	// after 90 s.
	takeWait = 30 * time.Second

	// maxUnread bounds the unread chunks of one job, in bytes. Beyond it the
	// oldest are dropped; the final output still contains them.
	maxUnread = 64 << 20
	// maxStream is roughly how many bytes of chunks one answer of /stream
	// contains.
	maxStream = 8 << 20
)

var errOption = errors.New("local: invalid option")

// Format prints the options with the key as "***".
func (o Options) Format(f fmt.State, verb rune) {
	if o.Key != "" {
		o.Key = "***"
	}
	type bare Options
	fmt.Fprintf(f, fmt.FormatString(f, verb), bare(o))
}

func (o Options) withDefaults() (Options, error) {
	if o.Workers < 0 || o.MaxRun < 0 || o.MaxRunSync < 0 || o.MaxChunk < 0 || o.MaxBytes < 0 || o.MaxQueued < 0 || o.PageSize < 0 || o.VisibleAfter < 0 {
		return o, fmt.Errorf("%w: limits must not be negative", errOption)
	}
	if o.Key == "" {
		var b [24]byte
		rand.Read(b[:])
		o.Key = "rpa_" + hex.EncodeToString(b[:])
	}
	def(&o.Addr, "127.0.0.1:0")
	def(&o.EndpointID, "local")
	def(&o.ExecutionTimeout, policy.DefaultExecutionTimeout)
	def(&o.TTL, policy.DefaultTTL)
	def(&o.Retention, 30*time.Minute)
	def(&o.SyncRetention, time.Minute)
	def(&o.HeartbeatTimeout, 40*time.Second)
	def(&o.MaxRun, 10<<20)
	def(&o.MaxRunSync, 20<<20)
	def(&o.MaxChunk, 1_000_000)
	def(&o.MaxBytes, 2<<30)
	def(&o.PageSize, 100)
	def(&o.Unknown.Overtime, StatusTimedOut)
	def(&o.Unknown.TooLarge, 413)
	def(&o.WebhookClient, http.DefaultClient)
	if o.Limits == nil {
		o.Limits = DefaultLimits()
	}
	if o.Handler != nil || o.Runner != nil {
		def(&o.Workers, 1)
		def(&o.Scaling, &Scaling{Min: o.Workers, Max: o.Workers})
		s := o.Scaling.withDefaults()
		o.Scaling = &s
		o.Workers = s.Max
	}
	if o.Clock == nil {
		o.Clock = new(SkipClock)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if !validName(o.EndpointID) || isManageRoot(o.EndpointID) {
		return o, fmt.Errorf("%w: EndpointID %q: want letters, digits, - and _, but no name of the management API", errOption, o.EndpointID)
	}
	return o, nil
}

func def[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// validName reports whether s can be one element of a path: the name of an endpoint,
// a worker or a job.
func validName(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for _, c := range []byte(s) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}
