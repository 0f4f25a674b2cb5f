package magics

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// An optionalInt is an option that may be absent: 0 is a value.
type optionalInt struct{ value *int64 }

func (o *optionalInt) String() string {
	if o.value == nil {
		return ""
	}
	return strconv.FormatInt(*o.value, 10)
}

func (o *optionalInt) Set(s string) error {
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil {
		o.value = &n
	}
	return err
}

func (o *optionalInt) Type() string { return "int64" }

func (o *optionalInt) number() train.Number {
	if o.value == nil {
		return nil
	}
	return *o.value
}

// An optionalNumber is an option that may be absent: 0 is a value.
type optionalNumber struct{ value train.Number }

func (o *optionalNumber) String() string {
	if o.value == nil {
		return ""
	}
	return fmt.Sprint(o.value)
}

func (o *optionalNumber) Set(s string) error {
	f, err := strconv.ParseFloat(s, 64)
	if err == nil {
		o.value = f
	}
	return err
}

func (o *optionalNumber) Type() string { return "float64" }

// An optionalBool is an option that may be absent: --name means true, --name=false
// means false.
type optionalBool struct{ value *bool }

func (o *optionalBool) String() string {
	if o.value == nil {
		return ""
	}
	return strconv.FormatBool(*o.value)
}

func (o *optionalBool) Set(s string) error {
	b, err := strconv.ParseBool(s)
	if err == nil {
		o.value = &b
	}
	return err
}

func (o *optionalBool) Type() string { return "bool" }

// A count is a whole number of 1 or more; 0 means that the option was not given.
type count int

func (c *count) String() string {
	if *c == 0 {
		return ""
	}
	return strconv.Itoa(int(*c))
}

func (c *count) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return errors.New("not a whole number above 0")
	}
	*c = count(n)
	return nil
}

func (c *count) Type() string { return "count" }

// parseGPUs reads --gpus: a number or "all"; 0 is the default.
func parseGPUs(text string) (int, error) {
	switch text {
	case "":
		return 0, nil
	case "all":
		return train.AllGPUs, nil
	}
	row, _ := contract.LookupHyperparameter("gpus")
	n, err := strconv.Atoi(text)
	if err != nil || !row.Range.ContainsInt(int64(n)) {
		return 0, usage("--gpus %s: want %s, or all", text, row.Range)
	}
	return n, nil
}

// parseStop reads --early-stop: "5", or "5,min_delta=0.001".
func parseStop(text string) (*worker.EarlyStopping, error) {
	if text == "" || text == "none" {
		return nil, nil // --from never passes on early stopping, so there is nothing to turn off
	}
	s := new(worker.EarlyStopping)
	return s, assignments("--early-stop", "patience", text, s)
}

// parseScheduler reads --scheduler: "cosine", or "step,step_size=5,gamma=0.5".
func parseScheduler(text string) (*worker.Scheduler, error) {
	if text == "" {
		return nil, nil
	}
	s := new(worker.Scheduler)
	if text == "none" {
		s.Type = text
		return s, nil
	}
	return s, assignments("--scheduler", "type", text, s)
}

// assignments reads "first,key=value,..." into the JSON fields of v.
func assignments(option, first, text string, v json.Unmarshaler) error {
	fields := map[string]any{}
	for i, part := range strings.Split(text, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			if i > 0 {
				return usage("%s %s: %q wants a name, as in %s,name=value", option, text, part, first)
			}
			key, value = first, key
		}
		fields[strings.ReplaceAll(key, "-", "_")] = scalar(value)
	}
	b, err := json.Marshal(fields)
	if err == nil {
		err = v.UnmarshalJSON(b)
	}
	var wrong *worker.Error
	if errors.As(err, &wrong) {
		return usage("%s %s: %s", option, text, wrong)
	}
	if err != nil {
		return usage("%s %s: %v", option, text, err)
	}
	return nil
}

// scalar returns text as a number if it is one, otherwise unchanged.
func scalar(text string) any {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return n
	}
	return text
}
