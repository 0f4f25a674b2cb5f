package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/tensors"
)

// Sentinels, one for each decision.
var (
	// ErrNotFound means that the store does not have the object.
	ErrNotFound = errors.New("not in the store")
	// ErrCorrupt means that content does not match its digest or length.
	ErrCorrupt = errors.New("content does not match its digest")
	// ErrTooLarge means that an object is larger than the caller's limit.
	ErrTooLarge = errors.New("too large")
	// ErrName means that a name does not consist of a digest.
	ErrName = errors.New("not a digest")
)

// A Name is the key of an object in a store: "sha256/<digest>",
// "sha256/<digest>.parts" for a list of parts, "data/<2 digits>/<digest>.safetensors"
// for a tensor, or "results/<32 digits>" for a result that a worker puts there.
// Make one with NameOf, ListOf, TensorName or NewResult.
type Name string

// NameOf returns the name of content with that digest.
func NameOf(digest string) (Name, error) {
	if !tensors.ValidDigest(digest) {
		return "", fmt.Errorf("store: %w: %.80q", ErrName, digest)
	}
	return Name("sha256/" + digest), nil
}

// ListOf returns the name of the list of parts of content with that digest.
func ListOf(digest string) (Name, error) {
	name, err := NameOf(digest)
	return name + ".parts", err
}

// TensorName returns the name of the tensor with that digest (tensors.Tensor.Digest).
func TensorName(digest string) (Name, error) {
	if _, err := NameOf(digest); err != nil {
		return "", err
	}
	return Name("data/" + digest[:2] + "/" + digest + ".safetensors"), nil
}

// NewResult returns a random name for a result, whose digest is not known yet.
func NewResult() Name {
	var b [16]byte
	rand.Read(b[:])
	return Name("results/" + hex.EncodeToString(b[:]))
}

// Valid reports whether the name has one of the forms of Name.
func (n Name) Valid() bool {
	if id, ok := strings.CutPrefix(string(n), "results/"); ok {
		return len(id) == 32 && strings.Trim(id, "0123456789abcdef") == ""
	}
	base := path.Base(string(n))
	digest, _, _ := strings.Cut(base, ".")
	for _, make := range []func(string) (Name, error){NameOf, ListOf, TensorName} {
		if name, err := make(digest); err == nil && name == n {
			return true
		}
	}
	return false
}

// Check returns an ErrName unless the name is valid.
func (n Name) Check() error {
	if !n.Valid() {
		return fmt.Errorf("store: %w: %.80q", ErrName, string(n))
	}
	return nil
}

// A Store keeps objects by name. Its methods are safe for use by many goroutines.
type Store interface {
	// Size returns an object's length in bytes, or ErrNotFound.
	Size(ctx context.Context, name Name) (int64, error)
	// Put stores size bytes of content under a name. It is atomic: after an error the
	// object is complete, unchanged or absent. Putting the same content again changes
	// nothing.
	Put(ctx context.Context, name Name, content io.ReadSeeker, size int64) error
	// Get opens an object, or returns ErrNotFound. It does not verify the content.
	Get(ctx context.Context, name Name) (io.ReadCloser, error)
	// Delete removes an object. It is not an error if the object does not exist.
	Delete(ctx context.Context, name Name) error
}

// A Signer is a Store that workers reach through presigned URLs, which need no key and
// expire, instead of directly.
type Signer interface {
	Store
	// URL returns an address from which the object can be read until the address expires.
	URL(ctx context.Context, name Name, expires time.Duration) (string, error)
	// PutURL returns an address to which the whole object can be put in one request.
	PutURL(ctx context.Context, name Name, expires time.Duration) (string, error)
}

// A Keeper is a Store that can list its objects, and that records when they are used.
type Keeper interface {
	Store
	// List yields the objects in any order. It stops after an error.
	List(ctx context.Context) iter.Seq2[Object, error]
	// Touch records that an object is used now. It may do nothing if the last record is
	// younger than TouchEvery. It is not an error if the object does not exist.
	Touch(ctx context.Context, name Name) error
}

// TouchEvery is the precision of Object.Used.
const TouchEvery = time.Hour

// An Object is what List reports about an object.
type Object struct {
	Name Name
	Size int64
	Used time.Time // when it was put or last touched
}

// damaged removes an object whose content does not match its name, so that it can be sent
// again. It returns an ErrCorrupt that says so.
func damaged(ctx context.Context, s Store, name Name, what string) error {
	err := fmt.Errorf("store: %s: %w: %s; it is removed, send it again", name, ErrCorrupt, what)
	if failed := s.Delete(ctx, name); failed != nil {
		err = fmt.Errorf("store: %s: %w: %s; to remove it failed: %w", name, ErrCorrupt, what, failed)
	}
	return err
}

// A list is the object under ListOf.
type list struct {
	Size  int64  `json:"size"`
	Parts []part `json:"parts"`
}

type part struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// maxList bounds a list from outside: some 400,000 parts.
const maxList = 40 << 20

// valid verifies a list's arithmetic and names.
func (l list) valid() bool {
	total := int64(0)
	for _, p := range l.Parts {
		if !tensors.ValidDigest(p.SHA256) || p.Size <= 0 || p.Size > l.Size-total {
			return false
		}
		total += p.Size
	}
	return total == l.Size && l.Size >= 0
}
