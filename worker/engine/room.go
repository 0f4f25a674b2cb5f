package engine

import (
	"errors"
	"fmt"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/tensors/memory"
	"github.com/gopherpod/gopherpod/worker"
)

func (o *Options) maxBytes() int64 {
	if o.MaxBytes > 0 {
		return o.MaxBytes
	}
	return tensors.DefaultLimit
}

const (
	decodeCopies = 4        // the peak of decoding, in times of the size: compressed, decompressed, unpacked, as arrays
	alwaysRoom   = 64 << 20 // is decoded even if the system reports that no memory is free
)

// room returns how many bytes a request's text may decode to now: MaxBytes, or what fits
// into the memory that is free.
func (o *Options) room() int64 {
	free := o.free
	if free == nil {
		free = memory.Available
	}
	return min(o.maxBytes(), max(int64(free()/decodeCopies), alwaysRoom))
}

// undecodable returns the error for a field whose text was decoded with the limit room.
func (o *Options) undecodable(field string, err error, room int64) error {
	if errors.Is(err, tensors.ErrTooLarge) && room < o.maxBytes() {
		return &worker.Error{Kind: worker.ErrMemory, Field: field, Message: fmt.Sprintf("%s; this worker has memory to decode %d MB", trim(err), room/1e6)}
	}
	return worker.Invalid(field, trim(err))
}
