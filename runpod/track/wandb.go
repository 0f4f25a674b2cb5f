package track

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/gopherpod/gopherpod/worker"
)

// The variables that W&B's own clients read.
const (
	EnvWandbDir     = "WANDB_DIR"     // default: the working directory
	EnvWandbProject = "WANDB_PROJECT" // default: "gopherpod"
	EnvWandbEntity  = "WANDB_ENTITY"
)

// Wandb writes an offline run of W&B, Dir/wandb/offline-run-<time>-<id>, which
// wandb sync uploads later: config, metrics by epoch, summary, tags, and the model among
// the run's files. The tracker sends nothing and reads no key. It writes each epoch as it
// comes, so after a crash the file has the epochs so far, but no exit record.
//
// Source: wandb/proto/wandb_internal.proto for the messages, whose field numbers are
// below; core/internal/transactionlog for the file: a header of 7 bytes, then LevelDB's
// log format with CRC-32 (IEEE) over type and data.
type Wandb struct {
	Dir, Project, Entity string

	f      *os.File
	folder string
	id     string
	begun  time.Time
	at     int   // length of the file
	num    int64 // number of the last record
	last   []byte
}

// NewWandb returns a tracker with settings from get, such as settings.Settings.Get.
func NewWandb(get func(string) string) *Wandb {
	w := &Wandb{Dir: get(EnvWandbDir), Project: get(EnvWandbProject), Entity: get(EnvWandbEntity)}
	if w.Dir == "" {
		w.Dir = "."
	}
	if w.Project == "" {
		w.Project = "gopherpod"
	}
	return w
}

// Fields of Record.
const (
	recordNum     = 1
	recordHistory = 2
	recordSummary = 3
	recordFiles   = 6
	recordRun     = 17
	recordExit    = 18
	recordHeader  = 21
	recordFooter  = 22
)

// Begin creates the folder and the file.
func (w *Wandb) Begin(_ context.Context, r Run) error {
	w.id, w.begun = r.ID, r.Begun
	w.folder = filepath.Join(w.Dir, "wandb", "offline-run-"+r.Begun.Format("20060102_150405")+"-"+r.ID)
	if err := os.MkdirAll(filepath.Join(w.folder, "files"), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(w.folder, "run-"+r.ID+".wandb"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	w.f = f
	head := []byte(":W&B\xe1\xbe\x00") // its name, 0xbee1, version 0
	if _, err := f.Write(head); err != nil {
		return err
	}
	w.at = len(head)

	version := text(nil, 1, "gopherpod")
	version = text(version, 2, "0.70.0") // the oldest version that reads the file
	var config []byte
	for _, name := range slices.Sorted(maps.Keys(r.Params)) {
		item := text(nil, 1, name)
		config = message(config, 1, text(item, 16, jsonOf(r.Params[name])))
	}
	run := text(nil, 1, r.ID)
	if w.Entity != "" {
		run = text(run, 2, w.Entity)
	}
	run = text(run, 3, w.Project)
	run = message(run, 4, config)
	if r.Group != "" {
		run = text(run, 6, r.Group)
	}
	run = text(run, 8, r.Title)
	for _, t := range r.Tags {
		run = text(run, 10, t)
	}
	run = message(run, 17, number(number(nil, 1, r.Begun.Unix()), 2, int64(r.Begun.Nanosecond())))
	return errors.Join(w.record(recordHeader, message(nil, 1, version)), w.record(recordRun, run))
}

// Epochs writes a step for each epoch; _step is the epoch's number.
func (w *Wandb) Epochs(_ context.Context, list []worker.Epoch) error {
	for _, e := range list {
		now := time.Now()
		values := metrics(e)
		values["_step"] = float64(e.Epoch)
		values["_timestamp"] = float64(now.UnixNano()) / 1e9
		values["_runtime"] = now.Sub(w.begun).Seconds()
		var history []byte
		w.last = nil
		for _, name := range slices.Sorted(maps.Keys(values)) {
			item := text(nil, 2, name) // nested_key, at the same number in both messages
			item = text(item, 16, literal(values[name]))
			history = message(history, 1, item)
			w.last = message(w.last, 1, item)
		}
		history = message(history, 2, number(nil, 1, int64(e.Epoch)))
		if err := w.record(recordHistory, history); err != nil {
			return err
		}
	}
	return nil
}

// End writes the summary, which is the last epoch, copies the model to the run's files, and
// closes the file. The exit code is 0 if the run completed, 255 if it was interrupted, and
// otherwise 1.
func (w *Wandb) End(_ context.Context, r Result) error {
	defer w.f.Close()
	if w.last != nil {
		if err := w.record(recordSummary, w.last); err != nil {
			return err
		}
	}
	if r.Model != "" {
		name := filepath.Base(r.Model)
		if err := copyFile(filepath.Join(w.folder, "files", name), r.Model); err != nil {
			return err
		}
		item := text(nil, 1, name)
		item = number(item, 2, 1) // upload it when the run is over
		if err := w.record(recordFiles, message(nil, 1, item)); err != nil {
			return err
		}
	}
	code, known := map[string]int64{"completed": 0, "interrupted": 255}[r.Status]
	if !known {
		code = 1
	}
	exit := number(number(nil, 1, code), 2, int64(time.Since(w.begun).Seconds()))
	return errors.Join(w.record(recordExit, exit), w.record(recordFooter, nil), w.f.Close())
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// record writes a Record with one message in it.
func (w *Wandb) record(field int, data []byte) error {
	w.num++
	b := logged(w.at, message(number(nil, recordNum, w.num), field, data))
	n, err := w.f.Write(b)
	w.at += n
	return err
}

// logged returns a record in LevelDB's log format for that offset in the file: pieces that do
// not cross a block, each with a header of checksum, length and type. If a block has less
// room left than a header needs, it is filled with zeros.
func logged(at int, data []byte) []byte {
	const (
		block = 32 << 10
		head  = 7

		full, first, middle, last = 1, 2, 3, 4
	)
	var b []byte
	for begun := false; ; begun = true {
		left := block - (at+len(b))%block
		if left < head {
			b = append(b, make([]byte, left)...)
			left = block
		}
		n := min(len(data), left-head)
		kind := byte(full)
		switch {
		case begun && n == len(data):
			kind = last
		case begun:
			kind = middle
		case n < len(data):
			kind = first
		}
		sum := crc32.Update(crc32.ChecksumIEEE([]byte{kind}), crc32.IEEETable, data[:n])
		b = binary.LittleEndian.AppendUint32(b, sum)
		b = binary.LittleEndian.AppendUint16(b, uint16(n))
		b = append(append(b, kind), data[:n]...)
		if data = data[n:]; len(data) == 0 {
			return b
		}
	}
}

// number appends a field that holds a whole number.
func number(b []byte, field int, v int64) []byte {
	b = binary.AppendUvarint(b, uint64(field)<<3)
	return binary.AppendUvarint(b, uint64(v))
}

// jsonOf returns a parameter as JSON: numbers, true, false and lists unchanged, all others as
// a string.
func jsonOf(s string) string {
	if json.Valid([]byte(s)) {
		return s
	}
	b, _ := json.Marshal(s) // encoding a string cannot fail
	return string(b)
}

// literal returns a number as W&B writes it, NaN and Infinity too.
func literal(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
