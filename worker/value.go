package worker

import (
	"encoding/json"
	"fmt"

	"github.com/gopherpod/gopherpod/tensors"
)

// MarshalJSON writes the one form that is set.
func (v Value) MarshalJSON() ([]byte, error) {
	switch {
	case v.List != nil:
		return v.List, nil
	case v.Tensor != "":
		return json.Marshal(map[string]string{"tensor": v.Tensor})
	case v.SHA256 != "":
		return json.Marshal(map[string]string{"sha256": v.SHA256})
	case v.URL != "":
		return json.Marshal(map[string]string{"url": v.URL})
	}
	return []byte("null"), nil
}

// UnmarshalJSON takes a list as it is, and an object with exactly one reference.
func (v *Value) UnmarshalJSON(raw []byte) error {
	*v = Value{}
	switch jsonKind(raw) {
	case "null":
		return nil
	case "a list":
		v.List = append(json.RawMessage(nil), raw...)
		return nil
	case "an object":
	default:
		return Invalid("", fmt.Sprintf("is %s, wants a list, {\"tensor\": name}, {\"sha256\": digest} or {\"url\": address}", jsonKind(raw)))
	}
	var form struct {
		Tensor string `json:"tensor"`
		SHA256 string `json:"sha256"`
		URL    string `json:"url"`
	}
	if err := strictStruct(raw, "a reference", &form); err != nil {
		return err
	}
	*v = Value{Tensor: form.Tensor, SHA256: form.SHA256, URL: form.URL}
	set := 0
	for _, s := range []string{v.Tensor, v.SHA256, v.URL} {
		if s != "" {
			set++
		}
	}
	if set != 1 {
		return Invalid("", "a reference names exactly one of tensor, sha256 and url")
	}
	return nil
}

// IsZero reports that no form is set.
func (v Value) IsZero() bool {
	return v.List == nil && v.Tensor == "" && v.SHA256 == "" && v.URL == ""
}

// UnmarshalJSON takes {"features": ..., "labels": ...}, and a bare list as features.
func (d *Dataset) UnmarshalJSON(raw []byte) error {
	if jsonKind(raw) == "a list" {
		*d = Dataset{Features: Value{List: append(json.RawMessage(nil), raw...)}}
		return nil
	}
	type bare Dataset
	if err := strictStruct(raw, "a data set", (*bare)(d)); err != nil {
		return err
	}
	if d.Features.IsZero() {
		return Invalid("features", "is missing")
	}
	return nil
}

// UnmarshalJSON refuses unknown fields by name.
func (j *Join) UnmarshalJSON(raw []byte) error {
	type bare Join
	return strictStruct(raw, "a join", (*bare)(j))
}

// validate checks all but the parts' sizes, which the store knows.
func (j *Join) validate() error {
	for _, d := range append([]string{j.SHA256}, j.Parts...) {
		if !tensors.ValidDigest(d) {
			return Invalid("", fmt.Sprintf("%q is no digest, 64 lower-case hexadecimal digits", clip(d)))
		}
	}
	n, ok := Elements(j.Shape)
	switch {
	case j.DType.Size() == 0:
		return Invalid("dtype", "is missing")
	case !ok || len(j.Shape) == 0 || n == 0:
		return Invalid("shape", fmt.Sprintf("%s is no shape of an array with numbers in it", Sizes(j.Shape)))
	case len(j.Parts) == 0:
		return Invalid("parts", "are missing")
	}
	return nil
}

// UnmarshalJSON refuses unknown fields by name.
func (t *Tensors) UnmarshalJSON(raw []byte) error {
	type bare Tensors
	return strictStruct(raw, "tensors", (*bare)(t))
}
