package transfer

import (
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
	// defaultExpiry is how long a presigned URL lives if the life of the job is not known:
	// as long as a job lives by default.
	defaultExpiry = runpod.DefaultTTL
	// UploadAbove is the size in bytes above which a worker uploads its result to the bucket.
	UploadAbove = 8_000_000
	// MaxResult is the largest result in bytes that is read from the bucket.
	MaxResult = 64 << 30
)

// sign adds presigned URLs to a request: one to read each of the named arrays, and one to
// upload a large result. It does nothing unless the store is a bucket, because workers
// reach other stores themselves.
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

// refused reports whether a worker refused the bucket's addresses, because its operator
// does not allow them or because it is too old to know them. It logs a line if so.
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

// damaged removes the arrays that a worker found damaged, so that they are sent again.
func (t *Transfer) damaged(ctx context.Context, p *Parcel, names []string, err error) {
	var e *worker.Error
	if t.store == nil || !errors.As(err, &e) || e.Kind != worker.ErrDamaged {
		return
	}
	for _, name := range names {
		// The worker does not say which array is damaged, so check each one in the store.
		_, err := store.FetchTensor(ctx, t.store, p.Digest(name), store.Options{Limit: MaxResult})
		if object, nameErr := store.TensorName(p.Digest(name)); err != nil && nameErr == nil && ctx.Err() == nil {
			t.store.Delete(ctx, object) // if this fails, the worker reports the array again
		}
	}
}

// Collect reads and verifies the result that a worker put into the bucket. The result
// stays there, until pruned, so that a later Attach can read it.
func (t *Transfer) Collect(ctx context.Context, u *worker.Uploaded) (tensors.Set, error) {
	name := store.Name(u.Name)
	if t.answers == nil || name != t.result || name.Check() != nil {
		return nil, fmt.Errorf("%w: the worker put its result at %.80q, which is not the name that was asked for", ErrResult, u.Name)
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
		return nil, fmt.Errorf("%w: the object has %d bytes, want %d", ErrResult, size, u.Bytes)
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrResult, err)
	}
	if tensors.DigestOf(b) != u.SHA256 {
		return nil, fmt.Errorf("%w: the object has another digest than the worker reported", ErrResult)
	}
	set, _, err := tensors.DecodeSafetensors(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrResult, err)
	}
	return set, nil
}

// CollectStates reads the states of a result from the bucket, if they are there.
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

// FetchStates is CollectStates for a result of a job that another process submitted; s is
// the bucket, or nil.
func FetchStates(ctx context.Context, s store.Store, r *worker.TrainResult) error {
	if r.Uploaded == nil {
		return nil
	}
	name := store.Name(r.Uploaded.Name)
	if s == nil || !strings.HasPrefix(string(name), "results/") || name.Check() != nil {
		return fmt.Errorf("train: the states: %w: they are at %.80q in a bucket that the environment does not name", ErrResult, r.Uploaded.Name)
	}
	set, err := fetchResult(ctx, s, r.Uploaded)
	if err != nil {
		return fmt.Errorf("train: the states: %w", err)
	}
	setStates(r, set)
	return nil
}

// setStates sets the states of a result to those read from the bucket.
func setStates(r *worker.TrainResult, set tensors.Set) {
	for _, s := range r.States() {
		if a, ok := set[s.Name]; ok {
			s.Set(a)
		}
	}
	r.Uploaded = nil
}

// ErrNoUpload means that a result would be larger than an answer, and that the worker does
// not upload results to the bucket.
var ErrNoUpload = errors.New("the endpoint's worker does not use the bucket")

// LifeOf returns how long the presigned URLs of a job's request must live: as long as the
// job.
func LifeOf(p runpod.Policy) time.Duration {
	return p.Life()
}
