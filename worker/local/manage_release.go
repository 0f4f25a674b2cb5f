package local

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// A release is a version of an endpoint.
type release struct {
	ID          string    `json:"id"`
	Version     int       `json:"version"`
	Source      string    `json:"source"`
	WorkerCount int       `json:"workerCount"`
	CreatedAt   time.Time `json:"createdAt"`
	Diff        []change  `json:"diff"`
}

type change struct {
	Field string          `json:"field"`
	Old   json.RawMessage `json:"old"`
	New   json.RawMessage `json:"new"`
}

// differences returns the top-level fields in which two specs differ.
func differences(old, new endpointSpec) []change {
	a, b := fieldsOf(old), fieldsOf(new)
	var diff []change
	for _, k := range slices.Sorted(maps.Keys(b)) {
		if string(a[k]) != string(b[k]) {
			diff = append(diff, change{k, orNull(a[k]), b[k]})
		}
	}
	for _, k := range slices.Sorted(maps.Keys(a)) {
		if _, ok := b[k]; !ok {
			diff = append(diff, change{k, a[k], orNull(nil)})
		}
	}
	return diff
}

func fieldsOf(e endpointSpec) (m map[string]json.RawMessage) {
	b, _ := json.Marshal(e) // numbers, texts, lists
	json.Unmarshal(b, &m)
	return m
}

func orNull(b json.RawMessage) json.RawMessage {
	if b == nil {
		return json.RawMessage("null")
	}
	return b
}
