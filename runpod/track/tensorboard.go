package track

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gopherpod/gopherpod/worker"
)

// EnvTensorBoard names the folder that TensorBoard reads. If it is not set, the folder is
// "tensorboard": start tensorboard --logdir tensorboard.
const EnvTensorBoard = "GOPHERPOD_TENSORBOARD"

// TensorBoard writes scalars by epoch into Dir/<run id>.
//
// Source: tensorboard/compat/proto/event.proto and summary.proto for the messages;
// tensorflow/core/lib/io/record_writer.h for the frame: length, its checksum, data, its
// checksum. A checksum is CRC-32C, rotated by 15 bits, plus 0xa282ead8.
type TensorBoard struct {
	Dir string

	f *os.File
}

// Begin creates the file.
func (t *TensorBoard) Begin(_ context.Context, r Run) error {
	dir := filepath.Join(t.Dir, r.ID)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("events.out.tfevents.%d.gopherpod", r.Begun.Unix())), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	t.f = f
	first := event(r.Begun, 0)
	first = text(first, 3, "brain.Event:2")
	return t.write(first)
}

// Epochs writes an event for each epoch.
func (t *TensorBoard) Epochs(_ context.Context, list []worker.Epoch) error {
	var all []byte
	for _, e := range list {
		var summary []byte
		m := metrics(e)
		for _, name := range slices.Sorted(maps.Keys(m)) {
			value := text(nil, 1, name)
			value = append(value, 2<<3|5)
			value = binary.LittleEndian.AppendUint32(value, math.Float32bits(float32(m[name])))
			summary = message(summary, 1, value)
		}
		all = append(all, frame(message(event(time.Now(), e.Epoch), 5, summary))...)
	}
	_, err := t.f.Write(all)
	return err
}

// End closes the file.
func (t *TensorBoard) End(context.Context, Result) error { return t.f.Close() }

func (t *TensorBoard) write(event []byte) error {
	_, err := t.f.Write(frame(event))
	return err
}

// event returns the beginning of an Event: its time in seconds and its step.
func event(at time.Time, step int) []byte {
	b := []byte{1<<3 | 1}
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(at.UnixNano())/1e9))
	b = append(b, 2<<3)
	return binary.AppendUvarint(b, uint64(step))
}

// message appends a field that holds bytes.
func message(b []byte, field int, data []byte) []byte {
	b = binary.AppendUvarint(b, uint64(field)<<3|2)
	b = binary.AppendUvarint(b, uint64(len(data)))
	return append(b, data...)
}

func text(b []byte, field int, s string) []byte { return message(b, field, []byte(s)) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func masked(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// frame returns a record with data.
func frame(data []byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(b, masked(b))
	b = append(b, data...)
	return binary.LittleEndian.AppendUint32(b, masked(data))
}
