package worker

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// A Source is an address that an array can be read from: a safetensors file with
// the one tensor "data". A worker reads it only if its operator allows the
// address, and only if its store lacks the array; what it reads must have the
// digest under which the request names the source.
type Source struct {
	URL   string `json:"url"`   // presigned, mostly: it needs no key and expires
	Bytes int64  `json:"bytes"` // length of the file
}

// An Upload is an address that a result goes to if it is larger than Above bytes:
// predictions of predict, the states of train, as one safetensors file whose names
// are "predictions", "model_state", "optimizer_state" (states as arrays of uint8).
// The worker puts it there with one PUT. If the operator of the worker does not allow
// the address, the request is refused before anything is computed.
type Upload struct {
	URL   string `json:"url"`
	Name  string `json:"name"`            // what the client calls the object; Uploaded has it
	Above int64  `json:"above,omitempty"` // bytes of the arrays; 0: whatever there is
}

// An Uploaded is what the worker put at the address of an Upload. An answer that has one has
// the arrays of it there and not inside.
type Uploaded struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"` // of the file
	Bytes  int64  `json:"bytes"`
}

// maxAddress bounds a URL; presigned ones have some 500 bytes.
var maxAddress = contract.Bounds().Address

var maxObjectName = contract.Bounds().ObjectName

// UnmarshalJSON refuses unknown fields by name.
func (s *Source) UnmarshalJSON(raw []byte) error {
	type bare Source
	return strictStruct(raw, "a source", (*bare)(s))
}

// UnmarshalJSON refuses unknown fields by name.
func (u *Upload) UnmarshalJSON(raw []byte) error {
	type bare Upload
	return strictStruct(raw, "an upload", (*bare)(u))
}

func (u *Upload) validate() error {
	switch {
	case u.URL == "" || len(u.URL) > maxAddress:
		return Invalid("url", fmt.Sprintf("is missing or longer than %d bytes", maxAddress))
	case u.Name == "" || len(u.Name) > maxObjectName:
		return Invalid("name", fmt.Sprintf("is missing or longer than %d bytes", maxObjectName))
	case u.Above < 0:
		return Invalid("above", fmt.Sprintf("is %d, wants 0 or more", u.Above))
	}
	return nil
}

func validateSources(sources map[string]Source) error {
	if most := contract.Bounds().Sources; len(sources) > most {
		return Invalid("", fmt.Sprintf("has %d addresses, wants at most %d", len(sources), most))
	}
	for _, digest := range slices.Sorted(maps.Keys(sources)) {
		s := sources[digest]
		switch {
		case !tensors.ValidDigest(digest):
			return Invalid("", fmt.Sprintf("%q is no digest, 64 lower-case hexadecimal digits", clip(digest)))
		case s.URL == "" || len(s.URL) > maxAddress:
			return Invalid("", fmt.Sprintf("the address of %.12s is missing or longer than %d bytes", digest, maxAddress))
		case s.Bytes <= 0:
			return Invalid("", fmt.Sprintf("the length of %.12s is %d bytes", digest, s.Bytes))
		}
	}
	return nil
}
