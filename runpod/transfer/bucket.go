package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/tensors/wording"
	"github.com/gopherpod/gopherpod/worker"
)

const (
	// defaultExpiry is the life of a presigned URL where the job's own is not known:
	// that of a job, by default.
	defaultExpiry = runpod.DefaultTTL
	// UploadAbove is the size of a result, in bytes, from which it goes to the bucket.
	UploadAbove = 8_000_000
	// MaxResult bounds what is read from there.
	MaxResult = 64 << 30
)

// sign gives a request addresses of a bucket: where the arrays of those names lie, and
// where a large result may go. Of other stores workers know the place.
func (t *Transfer) sign(ctx context.Context, p *Parcel, r *worker.Request, names []string) error {
	s, ok := t.store.(store.Signer)
	if !ok {
		return nil
	}
	t.result, t.answers = "", s
	for _, name := range names {
		object, err := store.TensorName(p.Digest(name))
		if err != nil {
			return err
		}
		size, err := s.Size(ctx, object)
		if errors.Is(err, store.ErrNotFound) {
			continue // it went as a job
		}
		if err != nil {
			return err
		}
		url, err := s.URL(ctx, object, t.Expires)
		if err != nil {
			return err
		}
		if r.Sources == nil {
			r.Sources = map[string]worker.Source{}
		}
		r.Sources[p.Digest(name)] = worker.Source{URL: url, Bytes: size}
	}
	if r.Operation != worker.OpTrain && r.Operation != worker.OpPredict {
		return nil
	}
	t.result = store.NewResult()
	url, err := s.PutURL(ctx, t.result, t.Expires)
	r.Upload = &worker.Upload{URL: url, Name: string(t.result), Above: UploadAbove}
	return err
}

// refused reports whether a worker does not use the bucket's addresses, by its
// operator's rules or because it knows none, and says so.
func (t *Transfer) refused(err error) bool {
	var e *worker.Error
	if _, signs := t.store.(store.Signer); !signs || !errors.As(err, &e) {
		return false
	}
	if e.Kind != worker.ErrUnsupported && e.Kind != worker.ErrInvalid || e.Field != "sources" && e.Field != "upload" {
		return false
	}
	hint := ""
	if b, ok := t.store.(interface{ Rule() string }); ok && e.Kind == worker.ErrUnsupported {
		hint = fmt.Sprintf("; gopherpod deploy allows it, or GOPHERPOD_ALLOW_URLS=%s in the endpoint's environment", b.Rule())
	}
	t.Tell("the endpoint's worker does not read from the bucket: the data go as jobs" + hint)
	return true
}

// damaged removes what a worker found to be something else than its digest says, so
// that it is sent again.
func (t *Transfer) damaged(ctx context.Context, p *Parcel, names []string, err error) {
	var e *worker.Error
	if t.store == nil || !errors.As(err, &e) || e.Kind != worker.ErrDamaged {
		return
	}
	for _, name := range names {
		// Which one it is, the store tells of those that it can read.
		_, err := store.FetchTensor(ctx, t.store, p.Digest(name), store.Options{Limit: MaxResult})
		if object, nameErr := store.TensorName(p.Digest(name)); err != nil && nameErr == nil && ctx.Err() == nil {
			t.store.Delete(ctx, object) // what stays is found again by the worker
		}
	}
}

// Collect reads what a worker put into the bucket, and verifies it. It stays there,
// until pruned, so that a later Attach can read it.
func (t *Transfer) Collect(ctx context.Context, u *worker.Uploaded) (tensors.Set, error) {
	name := store.Name(u.Name)
	if t.answers == nil || name != t.result || name.Check() != nil {
		return nil, fmt.Errorf("%w: it lies at %.80q, which was not asked for", ErrResult, u.Name)
	}
	set, err := fetchResult(ctx, t.answers, u)
	if err == nil {
		t.Tell("the result: " + wording.Bytes(u.Bytes) + ", from the bucket")
	}
	return set, err
}

func fetchResult(ctx context.Context, s store.Store, u *worker.Uploaded) (tensors.Set, error) {
	if u.Bytes <= 0 || u.Bytes > MaxResult {
		return nil, fmt.Errorf("%w: a result of %d bytes", ErrResult, u.Bytes)
	}
	r, err := s.Get(ctx, store.Name(u.Name))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	size, err := s.Size(ctx, store.Name(u.Name))
	if err != nil {
		return nil, err
	}
	if size != u.Bytes {
		return nil, fmt.Errorf("%w: %d bytes lie there, %d were said", ErrResult, size, u.Bytes)
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrResult, err)
	}
	if tensors.DigestOf(b) != u.SHA256 {
		return nil, fmt.Errorf("%w: what lies there has another digest", ErrResult)
	}
	set, _, err := tensors.DecodeSafetensors(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrResult, err)
	}
	return set, nil
}

// CollectStates puts the states that lie in the bucket into the result.
func (t *Transfer) CollectStates(ctx context.Context, r *worker.TrainResult) error {
	if r.Uploaded == nil {
		return nil
	}
	set, err := t.Collect(ctx, r.Uploaded)
	if err != nil {
		return fmt.Errorf("the states: %w", err)
	}
	setStates(r, set)
	return nil
}

// FetchStates is CollectStates for a result that another process asked for; s is the
// bucket, or nil.
func FetchStates(ctx context.Context, s store.Store, r *worker.TrainResult) error {
	if r.Uploaded == nil {
		return nil
	}
	name := store.Name(r.Uploaded.Name)
	if s == nil || !strings.HasPrefix(string(name), "results/") || name.Check() != nil {
		return fmt.Errorf("train: the states: %w: they lie at %.80q of a bucket that is not named here", ErrResult, r.Uploaded.Name)
	}
	set, err := fetchResult(ctx, s, r.Uploaded)
	if err != nil {
		return fmt.Errorf("train: the states: %w", err)
	}
	setStates(r, set)
	return nil
}

// setStates puts states that lay in the bucket into their places.
func setStates(r *worker.TrainResult, set tensors.Set) {
	for _, s := range r.States() {
		if a, ok := set[s.Name]; ok {
			s.Set(a)
		}
	}
	r.Uploaded = nil
}

// ErrNoUpload: a result would be larger than an answer, and the worker puts none into
// the bucket.
var ErrNoUpload = errors.New("the endpoint's worker does not use the bucket")

// LifeOf is how long the addresses in a job's request must live: as long as the job.
func LifeOf(p runpod.Policy) time.Duration {
	return cmp.Or(p.TTL, max(defaultExpiry, p.ExecutionTimeout+time.Hour))
}
