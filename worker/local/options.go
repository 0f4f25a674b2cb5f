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
)

// Options configure a Server. The zero value listens on a free loopback port
// with a key drawn at random, and has no worker: jobs wait until one attaches.
type Options struct {
	// Addr is where to listen. Default "127.0.0.1:0"; any other host than
	// loopback opens the endpoint to the network, with the key as its only guard.
	Addr string
	// Listener is what to listen on instead; Close closes it.
	Listener net.Listener
	// Key is what clients and workers must present. Default: drawn at random.
	Key string
	// EndpointID is the endpoint's name in paths. Default "local".
	EndpointID string

	// Handler runs the jobs in this process. Default nil: only attached workers.
	Handler worker.Handler
	// Runner starts workers that are processes of their own, if Handler is nil.
	Runner Runner
	// Workers is how many workers run, one job each at a time. Default 1 if
	// there is a Handler or a Runner.
	Workers int
	// Scaling starts and ends workers as jobs come and go, instead of Workers.
	Scaling *Scaling
	// PricePerHour is what a worker costs in US dollars, for /v2/billing. Default 0;
	// endpoints made by the management API have the price of their GPU.
	PricePerHour float64
	// PageSize is how many items a list of the management API has before it continues
	// on another page. Default 100.
	PageSize int
	// Limits are the rate limits by operation. Default: DefaultLimits; an empty
	// map is none.
	Limits map[string]Limit
	// WebhookClient posts webhooks. Default: http.DefaultClient.
	WebhookClient *http.Client

	// ExecutionTimeout bounds jobs without a policy of their own. Default 10 min.
	ExecutionTimeout time.Duration
	// TTL is how long a job without a policy may exist. Default 24 h.
	TTL time.Duration
	// Retention is how long a result of /run is kept after its end. Default 30 min.
	Retention time.Duration
	// SyncRetention is the same for /runsync. Default 1 min.
	SyncRetention time.Duration
	// VisibleAfter is how long after /run a job is unknown to status, stream, cancel and
	// retry, as it may be on the service, which is eventually consistent. Default 0.
	VisibleAfter time.Duration
	// HeartbeatTimeout is how long a job of an attached worker may go unnamed in
	// its pings before the worker counts as lost. Default 40 s, four pings.
	HeartbeatTimeout time.Duration

	// MaxRun and MaxRunSync bound the body of /run and /runsync, and MaxRunSync a
	// result, in bytes. Default 10 MiB and 20 MiB.
	MaxRun, MaxRunSync int
	// MaxChunk bounds a stream chunk in bytes. Default 1 MB.
	MaxChunk int
	// MaxQueued is how many jobs may wait; more are refused with 429.
	// Default: 500 for each worker, attached ones too, at least 500.
	MaxQueued int
	grows     bool // MaxQueued with the workers that attach

	// StoreDir is a folder of arrays that WorkerEnv names to attached workers (the
	// PyTorch worker's GOPHERPOD_STORE); the Go engine has it by FolderStore.
	// Default: none.
	StoreDir string
	// StateDir is a folder that keeps the jobs on disk, so that a restart with the
	// same folder loses none. Default: jobs live in memory only.
	StateDir string

	// Faults are things to go wrong; see Inject.
	Faults []Fault

	// MaxBytes bounds what jobs hold in memory. Beyond it the results that ended
	// first are forgotten before their time, and jobs are refused with 429 if that
	// is not enough. Default 2 GiB.
	MaxBytes int64

	// Unknown is what the service's documentation leaves open.
	Unknown Unknown

	// Clock tells the time. Default: a SkipClock.
	Clock Clock
	// Log receives what happens, never keys or inputs. Default: nothing.
	Log *slog.Logger
}

// Unknown holds the answers that RunPod's documentation does not give or gives
// twice. The zero value is the likeliest.
type Unknown struct {
	// Overtime is the status of a job over its executionTimeout: TIMED_OUT
	// (default) or FAILED.
	Overtime Status
	// TooLarge is the HTTP status for a body over the limit: 413 (default) or 400.
	TooLarge int
	// LateProgress lets a progress update that arrives after the result set the
	// job back to IN_PROGRESS, as runpod-python issue 250 reports.
	LateProgress bool
	// NaN accepts bare NaN and Infinity from workers and makes them null; without
	// it such a result is refused with 400.
	NaN bool
}

const (
	executionTimeoutMin = 5 * time.Second
	ttlMin              = 10 * time.Second
	policyMax           = 7 * 24 * time.Hour

	// queuedPerWorker is how many jobs may wait for each worker.
	//
	// Source: docs.runpod.io, Serverless, "Send API requests", rate limits.
	queuedPerWorker = 500

	waitMin     = time.Second
	waitMax     = 300 * time.Second
	runSyncWait = 90 * time.Second
	// statusWait is how long /status-sync holds without ?wait.
	statusWait = 90 * time.Second
	// streamWait is how long /stream holds an empty answer. The service says 10 s,
	// but the official client gives up at just that.
	streamWait = 9500 * time.Millisecond
	// takeWait is how long a worker's polls are held; the SDK gives up at 90 s.
	takeWait = 30 * time.Second

	// maxUnread bounds the chunks of one job that nobody reads, in bytes; the
	// oldest are dropped, and the final output has them still.
	maxUnread = 64 << 20
	// maxStream is about how many bytes of chunks one answer of /stream carries.
	maxStream = 8 << 20
)

var errOption = errors.New("local: wrong option")

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
		return o, fmt.Errorf("%w: a negative limit", errOption)
	}
	if o.Key == "" {
		var b [24]byte
		rand.Read(b[:])
		o.Key = "rpa_" + hex.EncodeToString(b[:])
	}
	def(&o.Addr, "127.0.0.1:0")
	def(&o.EndpointID, "local")
	def(&o.ExecutionTimeout, 10*time.Minute)
	def(&o.TTL, 24*time.Hour)
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
	o.grows = o.grows || o.MaxQueued == 0
	def(&o.MaxQueued, queuedPerWorker*max(o.Workers, 1))
	if o.Clock == nil {
		o.Clock = new(SkipClock)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if !validName(o.EndpointID) || manageRoots[o.EndpointID] {
		return o, fmt.Errorf("%w: EndpointID %q is not letters, digits, - and _, or is taken", errOption, o.EndpointID)
	}
	return o, nil
}

func def[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// validName reports whether s can be a part of a path: an endpoint, a worker, a job.
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
