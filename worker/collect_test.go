package worker

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestEmitAndCollect(t *testing.T) {
	small := TrainResult{Operation: OpTrain, RunID: "r", ModelState: "abc", OptimizerState: "def", History: []Epoch{{Epoch: 1, Loss: 2}}}
	large := small
	large.ModelState = strings.Repeat("m", 2_000_000)
	large.OptimizerState = strings.Repeat("o", 900_000)
	large.History = make([]Epoch, 3000)
	for i := range large.History {
		large.History[i].Epoch = i + 1
	}
	answer := TrainResult{Operation: OpPredict, RunID: "r", Answer: strings.Repeat("a", 2_000_000), History: small.History}
	for _, want := range []TrainResult{small, large, answer} {
		var events []Event
		for i := range want.History {
			events = append(events, Event{Type: EventEpoch, RunID: "r", Seq: i, Epoch: &want.History[i]})
		}
		events = append(events, want.Emit(len(events))...)
		for i, e := range events {
			text, err := json.Marshal(e)
			if err != nil || len(text) > MaxChunk || e.Seq != i {
				t.Fatalf("event %d: %d bytes, seq %d (%v)", i, len(text), e.Seq, err)
			}
		}
		output, _ := json.Marshal(append(events[:2:2], events...)) // some come twice
		got, err := Collect(output)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(*got, want) {
			t.Error("the result changed on its way")
		}
	}
}

func TestCollectRejects(t *testing.T) {
	done := Event{Type: EventDone, RunID: "r", Seq: 9, Result: &TrainResult{Parts: map[string]int{"model_state": 2}}}
	part := func(index, count int) Event {
		return Event{Type: EventPart, RunID: "r", Seq: 1, Part: &Part{Name: "model_state", Index: index, Count: count, Data: "x"}}
	}
	rows := []struct {
		want   string
		events []Event
	}{
		{"no done event", []Event{{Type: EventLog, RunID: "r"}}},
		{"parts of model_state are missing", []Event{part(0, 2), done}},
		{"not a piece of anything", []Event{part(2, 2)}},
		{"not a piece of anything", []Event{part(0, 1<<30)}},
		{"unknown type", []Event{{Type: "news", RunID: "r"}}},
		{"without its epoch", []Event{{Type: EventEpoch, RunID: "r"}}},
		{"without a result", []Event{{Type: EventDone, RunID: "r"}}},
		{`event of run "s"`, []Event{{Type: EventLog, RunID: "r"}, {Type: EventLog, RunID: "s", Seq: 1}}},
		{"seq -1", []Event{{Type: EventLog, RunID: "r", Seq: -1}}},
	}
	for _, r := range rows {
		output, _ := json.Marshal(r.events)
		if _, err := Collect(output); err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s: %v, want %q", output, err, r.want)
		}
	}
	if _, err := Collect([]byte(`{"status": "success"}`)); err == nil {
		t.Error("an object is taken for a list of events")
	}
}

func FuzzCollect(f *testing.F) {
	f.Add([]byte(`[{"type":"epoch","run_id":"r","seq":0,"epoch":{"epoch":1,"loss":"NaN"}},{"type":"done","run_id":"r","seq":1,"result":{"parts":{"x":1}}}]`))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = Collect(b) })
}
