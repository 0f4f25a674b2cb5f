package magics

import "strconv"

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
