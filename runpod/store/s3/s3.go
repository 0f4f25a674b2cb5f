// Package s3 implements store.Store in a bucket: a bucket of the user, or a RunPod network
// volume, which has an S3 API too.
//
// It is a package of its own because its client library is large. FromEnv finds the
// volume that the environment names.
package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/tensors/pause"
)

// A Config says how to reach a bucket.
type Config struct {
	Endpoint  string // "https://s3api-eu-ro-1.runpod.io"
	Region    string
	Bucket    string
	AccessKey string
	SecretKey runpod.Secret
	// Prefix comes before the names of objects; default "gopherpod/".
	Prefix string
	// PlainHTTP allows http to other machines.
	PlainHTTP bool
	Transport http.RoundTripper // default net/http's
}

// Volume returns the Config of a network volume. Volumes have S3 keys of their own, created
// in RunPod's console: the access key begins with "user_", the secret with "rps_".
// Workers find the objects under /runpod-volume/gopherpod.
//
// Source: docs.runpod.io, Storage, "S3-compatible API".
func Volume(dataCenter, volumeID, accessKey string, secret runpod.Secret) Config {
	return Config{Endpoint: "https://s3api-" + strings.ToLower(dataCenter) + ".runpod.io", Region: dataCenter,
		Bucket: volumeID, AccessKey: accessKey, SecretKey: secret}
}

// A Bucket is a store.Store.
type Bucket struct {
	client *minio.Client
	bucket string
	prefix string
}

var _ store.Keeper = (*Bucket)(nil)

// New returns the bucket of a Config, which it checks. It sends nothing.
func New(c Config) (*Bucket, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.Path != "" && u.Path != "/" || u.User != nil {
		return nil, fmt.Errorf("s3: %w: the endpoint %q is not https://host", runpod.ErrInvalid, c.Endpoint)
	}
	local := u.Hostname() == "localhost" || strings.HasPrefix(u.Hostname(), "127.") || u.Hostname() == "::1"
	if u.Scheme != "https" && (u.Scheme != "http" || !local && !c.PlainHTTP) {
		return nil, fmt.Errorf("s3: %w: the endpoint %s is not https", runpod.ErrInvalid, u.Host)
	}
	if c.Bucket == "" || c.AccessKey == "" || c.SecretKey == "" {
		return nil, fmt.Errorf("s3: %w: want a bucket, an access key and a secret", runpod.ErrInvalid)
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds:  credentials.NewStaticV4(c.AccessKey, c.SecretKey.Reveal(), ""),
		Secure: u.Scheme == "https", Region: c.Region, BucketLookup: minio.BucketLookupPath,
		MaxRetries: 5, Transport: c.Transport,
	})
	if err != nil {
		return nil, fmt.Errorf("s3: %w: %w", runpod.ErrInvalid, err)
	}
	prefix := c.Prefix
	if prefix == "" {
		prefix = "gopherpod/"
	}
	return &Bucket{client, c.Bucket, prefix}, nil
}

// Size implements store.Store.
func (b *Bucket) Size(ctx context.Context, name store.Name) (int64, error) {
	if err := name.Check(); err != nil {
		return 0, err
	}
	info, err := b.client.StatObject(ctx, b.bucket, b.prefix+string(name), minio.StatObjectOptions{})
	if err != nil {
		return 0, failure(ctx, name, err)
	}
	return info.Size, nil
}

// onePut is the largest object that is sent in one request. Larger ones are sent in pieces of
// that size, which the server joins at the end. A network volume accepts less than 500 MB in
// one request.
const onePut = 128 << 20

// Put implements store.Store.
func (b *Bucket) Put(ctx context.Context, name store.Name, content io.ReadSeeker, size int64) error {
	if err := name.Check(); err != nil {
		return err
	}
	// Check the length: a reader that ends early must not become an object.
	end, err := content.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = content.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("s3: %s: %w", name, err)
	}
	if end != size {
		return fmt.Errorf("s3: %s: %w: got %d bytes, want %d", name, store.ErrCorrupt, end, size)
	}
	info, err := b.client.PutObject(ctx, b.bucket, b.prefix+string(name), content, size,
		minio.PutObjectOptions{ContentType: "application/octet-stream", DisableMultipart: size <= onePut, PartSize: onePut, NumThreads: 2})
	if err != nil {
		return failure(ctx, name, err)
	}
	if info.Size != size {
		return fmt.Errorf("s3: %s: %w: %d bytes were stored of %d", name, store.ErrCorrupt, info.Size, size)
	}
	return nil
}

// Get implements store.Store. If the connection breaks, reading resumes from there, unless
// the object has changed.
func (b *Bucket) Get(ctx context.Context, name store.Name) (io.ReadCloser, error) {
	if err := name.Check(); err != nil {
		return nil, err
	}
	r := &resuming{ctx: ctx, b: b, name: name}
	return r, r.open()
}

// resumptions is how often in a row a read may be resumed without getting a byte.
const resumptions = 4

// A resuming reader reads an object, resuming after a broken connection.
type resuming struct {
	ctx    context.Context
	b      *Bucket
	name   store.Name
	object *minio.Object
	tag    string
	offset int64
	failed int // failures in a row
}

func (r *resuming) open() error {
	var o minio.GetObjectOptions
	if r.offset > 0 {
		if err := errors.Join(o.SetRange(r.offset, 0), o.SetMatchETag(r.tag)); err != nil {
			return fmt.Errorf("s3: %s: %w", r.name, err)
		}
	}
	object, err := r.b.client.GetObject(r.ctx, r.b.bucket, r.b.prefix+string(r.name), o)
	if err != nil {
		return failure(r.ctx, r.name, err)
	}
	info, err := object.Stat() // GetObject itself sends nothing
	if err != nil {
		object.Close()
		return failure(r.ctx, r.name, err)
	}
	r.object, r.tag = object, info.ETag
	return nil
}

func (r *resuming) Read(p []byte) (int, error) {
	for {
		n, err := r.object.Read(p)
		if r.offset += int64(n); n > 0 {
			r.failed = 0
		}
		switch {
		case err == nil || errors.Is(err, io.EOF) || r.ctx.Err() != nil || n > 0:
			if n > 0 && !errors.Is(err, io.EOF) {
				err = nil // a lasting error comes again
			}
			return n, err
		case r.failed == resumptions || r.offset == 0:
			return 0, failure(r.ctx, r.name, err)
		}
		r.failed++
		r.object.Close()
		if err := pause.For(r.ctx, 100*time.Millisecond<<r.failed); err != nil {
			return 0, err
		}
		if err := r.open(); err != nil {
			return 0, err
		}
	}
}

func (r *resuming) Close() error { return r.object.Close() }

// Delete implements store.Store.
func (b *Bucket) Delete(ctx context.Context, name store.Name) error {
	if err := name.Check(); err != nil {
		return err
	}
	for _, key := range []string{b.prefix + string(name), b.prefix + usedPrefix + string(name)} {
		err := b.client.RemoveObject(ctx, b.bucket, key, minio.RemoveObjectOptions{})
		if err = failure(ctx, name, err); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}

// usedPrefix begins the names of marks: empty objects that record the use of another
// object, whose name is the rest of the mark's name. That object was last used when the mark
// was written. S3 servers record no other time than that of writing.
const usedPrefix = "used/"

// List implements store.Keeper. In a network volume, the time may also be that of the file,
// which the worker sets when it uses the file.
func (b *Bucket) List(ctx context.Context) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		used, err := b.marks(ctx)
		if err != nil {
			yield(store.Object{}, err)
			return
		}
		for o := range b.client.ListObjects(ctx, b.bucket, minio.ListObjectsOptions{Prefix: b.prefix, Recursive: true}) {
			if o.Err != nil {
				yield(store.Object{}, failure(ctx, "list", o.Err))
				return
			}
			name := store.Name(strings.TrimPrefix(o.Key, b.prefix))
			if !name.Valid() {
				continue
			}
			found := store.Object{Name: name, Size: o.Size, Used: o.LastModified}
			if at := used[name]; at.After(found.Used) {
				found.Used = at
			}
			if !yield(found, nil) {
				return
			}
		}
		if ctx.Err() != nil { // the library does not report it
			yield(store.Object{}, context.Cause(ctx))
		}
	}
}

// marks returns the times of all marks.
func (b *Bucket) marks(ctx context.Context) (map[store.Name]time.Time, error) {
	used := map[store.Name]time.Time{}
	for o := range b.client.ListObjects(ctx, b.bucket, minio.ListObjectsOptions{Prefix: b.prefix + usedPrefix, Recursive: true}) {
		if o.Err != nil {
			return nil, failure(ctx, "list", o.Err)
		}
		used[store.Name(strings.TrimPrefix(o.Key, b.prefix+usedPrefix))] = o.LastModified
	}
	return used, nil
}

// Touch implements store.Keeper.
func (b *Bucket) Touch(ctx context.Context, name store.Name) error {
	if err := name.Check(); err != nil {
		return err
	}
	for _, key := range []string{b.prefix + string(name), b.prefix + usedPrefix + string(name)} {
		info, err := b.client.StatObject(ctx, b.bucket, key, minio.StatObjectOptions{})
		if err = failure(ctx, name, err); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if gone := err != nil && key == b.prefix+string(name); gone || err == nil && time.Since(info.LastModified) < store.TouchEvery {
			return nil
		}
	}
	_, err := b.client.PutObject(ctx, b.bucket, b.prefix+usedPrefix+string(name), strings.NewReader(""), 0, minio.PutObjectOptions{DisableMultipart: true})
	return failure(ctx, name, err)
}

// A Signed is a bucket of the user, which workers reach through presigned URLs. Network
// volumes do not support such URLs; workers have them mounted.
type Signed struct{ *Bucket }

var _ store.Signer = Signed{}

// maxExpiry is the longest life of a presigned URL.
//
// Source: docs.aws.amazon.com, S3, "Authenticating requests: using query parameters".
const maxExpiry = 7 * 24 * time.Hour

// URL implements store.Signer. The address is valid for 7 days at most.
func (b Signed) URL(ctx context.Context, name store.Name, expires time.Duration) (string, error) {
	if err := name.Check(); err != nil {
		return "", err
	}
	u, err := b.client.PresignedGetObject(ctx, b.bucket, b.prefix+string(name), min(expires, maxExpiry), nil)
	if err != nil {
		return "", failure(ctx, name, err)
	}
	return u.String(), nil
}

// PutURL implements store.Signer.
func (b Signed) PutURL(ctx context.Context, name store.Name, expires time.Duration) (string, error) {
	if err := name.Check(); err != nil {
		return "", err
	}
	u, err := b.client.PresignedPutObject(ctx, b.bucket, b.prefix+string(name), min(expires, maxExpiry))
	if err != nil {
		return "", failure(ctx, name, err)
	}
	return u.String(), nil
}

// Rule returns the common prefix of the addresses of all objects, in the form that a worker's
// operator puts into GOPHERPOD_ALLOW_URLS to allow them.
func (b Signed) Rule() string {
	return b.client.EndpointURL().String() + "/" + b.bucket + "/" + b.prefix
}

// failure wraps an error in the sentinel error that says what the caller can do.
func failure(ctx context.Context, name store.Name, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r := minio.ToErrorResponse(err)
	kind := runpod.ErrUnreachable
	switch {
	case r.Code == "NoSuchKey":
		kind = store.ErrNotFound
	case r.StatusCode == http.StatusForbidden || r.Code == "AccessDenied" || r.Code == "InvalidAccessKeyId" || r.Code == "SignatureDoesNotMatch":
		kind = runpod.ErrForbidden
	case r.StatusCode == http.StatusNotFound || r.Code == "NoSuchBucket":
		kind = runpod.ErrNotFound
	case r.StatusCode == http.StatusTooManyRequests || r.Code == "SlowDown":
		kind = runpod.ErrRateLimited
	case r.StatusCode >= 500:
		kind = runpod.ErrServer
	case r.StatusCode != 0:
		kind = runpod.ErrBadAnswer
	case errors.Is(err, io.ErrUnexpectedEOF):
		kind = store.ErrCorrupt
	}
	return fmt.Errorf("s3: %s: %w: %w", name, kind, err)
}
