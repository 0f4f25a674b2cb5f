package engine

import (
	"bytes"
	"encoding/json"

	"github.com/gopherpod/gopherpod/worker"
)

// An output is what a streaming job's final output consists of. RunPod refuses one above
// 20 MB; then the parts of the states are in the stream alone.
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

// list returns the output; nil stands for the list of all that was yielded.
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
