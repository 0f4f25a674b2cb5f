package worker

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Collector assembles a job's events, in their order, into a TrainResult. The
// same events may come twice, from the stream and from the final output: repeated
// events are skipped. Numbers may jump if another worker took over the job of a lost
// one; Result reports what is missing.
type Collector struct {
	RunID string // "": taken from the first event

	epochs map[int]Epoch // by Epoch.Epoch
	parts  map[string][]string
	result *TrainResult
	seen   map[int]bool
}

// Add takes one event. fresh is false if it was seen before or comes after the end;
// such an event changes nothing.
func (c *Collector) Add(e Event) (fresh bool, err error) {
	if c.RunID == "" {
		c.RunID = e.RunID
	}
	if e.RunID != c.RunID {
		return false, fmt.Errorf("worker: event of run %q in the stream of run %q", clip(e.RunID), clip(c.RunID))
	}
	if e.Seq < 0 {
		return false, fmt.Errorf("worker: event with seq %d", e.Seq)
	}
	if c.seen == nil {
		c.seen, c.epochs, c.parts = map[int]bool{}, map[int]Epoch{}, map[string][]string{}
	}
	if c.seen[e.Seq] {
		return false, nil
	}
	if err := c.take(e); err != nil {
		return false, err
	}
	c.seen[e.Seq] = true
	return true, nil
}

func (c *Collector) take(e Event) error {
	switch e.Type {
	case EventEpoch:
		if e.Epoch == nil {
			return fmt.Errorf("worker: epoch event %d without its epoch", e.Seq)
		}
		c.epochs[e.Epoch.Epoch] = *e.Epoch
	case EventBatch:
		if e.Batch == nil {
			return fmt.Errorf("worker: batch event %d without its batch", e.Seq)
		}
	case EventPart:
		return c.part(e)
	case EventDone:
		if e.Result == nil {
			return fmt.Errorf("worker: done event %d without a result", e.Seq)
		}
		c.result = e.Result
	case EventLog, EventCheckpoint:
	default:
		return fmt.Errorf("worker: event %d has unknown type %q", e.Seq, clip(string(e.Type)))
	}
	return nil
}

// maxParts bounds a value to 90 GB of text.
const maxParts = 100_000

func (c *Collector) part(e Event) error {
	p := e.Part
	if p == nil || p.Count < 1 || p.Count > maxParts || p.Index < 0 || p.Index >= p.Count {
		return fmt.Errorf("worker: part event %d is not a piece of anything", e.Seq)
	}
	if len(c.parts[p.Name]) != p.Count { // a job that was delivered again starts from the beginning
		c.parts[p.Name] = make([]string, p.Count)
	}
	c.parts[p.Name][p.Index] = p.Data
	return nil
}

// Done reports whether the last event was seen.
func (c *Collector) Done() bool { return c.result != nil }

// History lists the epochs seen so far, in order.
func (c *Collector) History() []Epoch {
	var h []Epoch
	for _, n := range slices.Sorted(maps.Keys(c.epochs)) {
		h = append(h, c.epochs[n])
	}
	return h
}

// Result returns the complete result, parts joined. It is an error if the done
// event or a part of a state is missing.
func (c *Collector) Result() (*TrainResult, error) {
	if c.result == nil {
		return nil, fmt.Errorf("worker: run %s: the job's output has no done event", c.RunID)
	}
	r := *c.result
	if len(r.History) == 0 {
		r.History = c.History()
	}
	for name, count := range r.Parts {
		var field *string
		for _, s := range r.texts() {
			if s.Name == name {
				field = s.Text
			}
		}
		pieces := c.parts[name]
		if field == nil || len(pieces) != count || slices.Contains(pieces, "") {
			return nil, fmt.Errorf("worker: run %s: parts of %s are missing", c.RunID, clip(name))
		}
		*field = strings.Join(pieces, "")
	}
	r.Parts = nil
	return &r, nil
}

// Collect assembles the final output of a train job: the JSON list of its events.
func Collect(output []byte) (*TrainResult, error) {
	var events []Event
	if err := json.Unmarshal(output, &events); err != nil {
		return nil, fmt.Errorf("worker: the output of a train job is no list of events: %w", err)
	}
	var c Collector
	for _, e := range events {
		if _, err := c.Add(e); err != nil {
			return nil, err
		}
	}
	return c.Result()
}

// Emit turns a result into its last events: parts for a text that does not fit
// into a chunk, then done. seq is the first free sequence number. A history too
// long for a chunk is left out of done: the epoch events have it.
func (r *TrainResult) Emit(seq int) []Event {
	const piece = MaxChunk - 4096 // room for the event around it
	done := *r
	done.Parts = nil
	var events []Event
	split := func(name string, text *string, keep int) {
		if len(*text) <= keep {
			return
		}
		count := (len(*text) + piece - 1) / piece
		for i := range count {
			data := (*text)[i*piece : min((i+1)*piece, len(*text))]
			events = append(events, Event{Type: EventPart, RunID: r.RunID, Seq: seq + len(events), Part: &Part{Name: name, Index: i, Count: count, Data: data}})
		}
		if done.Parts == nil {
			done.Parts = map[string]int{}
		}
		done.Parts[name] = count
		*text = ""
	}
	for _, s := range done.texts() {
		split(s.Name, s.Text, MaxChunk/3)
	}
	const epochBytes = 300 // an Epoch's JSON at its longest
	if len(done.History)*epochBytes > MaxChunk/4 {
		done.History = nil
	}
	return append(events, Event{Type: EventDone, RunID: r.RunID, Seq: seq + len(events), Result: &done})
}
