package engine

import (
	"bytes"
	"encoding/json"

	"github.com/gopherpod/gopherpod/worker"
)

// An output collects the chunks of a streaming job's final output. RunPod refuses an
// output above 20 MB; in that case only the stream contains the parts of the states.
type output struct {
	yield  func(json.RawMessage) error
	chunks []json.RawMessage
	size   int
}

func (o *output) take(chunk json.RawMessage) error {
	if err := o.yield(chunk); err != nil {
		return err
	}
	o.chunks = append(o.chunks, chunk)
	o.size += len(chunk) + 1
	return nil
}

// list returns the output; nil means the list of all chunks.
func (o *output) list() json.RawMessage {
	if o.size <= worker.MaxOutput {
		return nil
	}
	part := []byte(`{"type":"` + string(worker.EventPart) + `"`)
	kept := [][]byte{}
	for _, c := range o.chunks {
		if !bytes.HasPrefix(c, part) {
			kept = append(kept, c)
		}
	}
	return append(append([]byte{'['}, bytes.Join(kept, []byte{','})...), ']')
}
