package contract

import (
	"encoding/json"
	"math"
	"strconv"
)

// A Type is the type of a value in JSON.
type Type string

// The types of hyperparameters and of parameters of layers.
const (
	Number  Type = "number"  // a finite number
	Integer Type = "integer" // a whole number; 32.0 is one
	Boolean Type = "boolean"
	Choice  Type = "choice" // a text, one of Values

	// Of hyperparameters alone.

	Numbers Type = "numbers" // a list of numbers, each within the range
	GPUs    Type = "gpus"    // an integer, or the text "all"

	// Of layers alone.

	Integers   Type = "integers"        // a list of integers, each within the range; one integer stands for a list
	LayerList  Type = "layers"          // a list of layers
	LayerLists Type = "lists of layers" // a list of lists of layers
)

// A Range bounds a number. A bound belongs to the range unless it is open.
type Range struct {
	Low, High         float64
	OpenLow, OpenHigh bool
}

// MarshalJSON writes the bounds as low and high, with open_low and open_high if they are
// open, and as words what String says: both languages put the same words into an error.
// Whole bounds have all their digits: the shortest text of a float64, which encoding/json
// writes, is another integer for a reader that has integers (2^62).
func (r Range) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Low      json.Number `json:"low"`
		High     json.Number `json:"high"`
		OpenLow  bool        `json:"open_low,omitempty"`
		OpenHigh bool        `json:"open_high,omitempty"`
		Words    string      `json:"words"`
	}{json.Number(digits(r.Low)), json.Number(digits(r.High)), r.OpenLow, r.OpenHigh, r.String()})
}

// short writes x for a person: 1e+12, but 2147483648.
func short(x float64) string {
	full, power := digits(x), strconv.FormatFloat(x, 'g', -1, 64)
	if len(power) < len(full) {
		return power
	}
	return full
}

// digits writes x for JSON: whole numbers in full.
func digits(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1<<63 {
		return strconv.FormatInt(int64(x), 10)
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// Contains reports whether v is in the range. NaN never is.
func (r Range) Contains(v float64) bool {
	return (v > r.Low || v == r.Low && !r.OpenLow) && (v < r.High || v == r.High && !r.OpenHigh)
}

// ContainsInt is Contains for all of an int64, of which float64 has not every value.
func (r Range) ContainsInt(n int64) bool {
	return n >= int64(r.Low) && n <= int64(r.High)
}

// String says in words what is in the range: "0 to 1", "0 or more and less than 1".
func (r Range) String() string {
	low, high := short(r.Low)+" or more", short(r.High)+" or less"
	if r.OpenLow {
		low = "more than " + short(r.Low)
	}
	if r.OpenHigh {
		high = "less than " + short(r.High)
	}
	switch {
	case r.High == math.MaxFloat32 && r.Low == -math.MaxFloat32:
		return "a number that float32 can hold"
	case r.High == math.MaxFloat32:
		return low + ", in the range of float32"
	case !r.OpenLow && !r.OpenHigh:
		return short(r.Low) + " to " + short(r.High)
	}
	return low + " and " + high
}

// Brief is String without bounds that are only limits, of sizes and of float32: "0 or
// more", and "" if both are.
func (r Range) Brief() string {
	limit := func(x float64) bool { return x >= 1e9 }
	switch {
	case !limit(r.High):
		return r.String()
	case limit(-r.Low):
		return ""
	case r.OpenLow:
		return "more than " + short(r.Low)
	}
	return short(r.Low) + " or more"
}
