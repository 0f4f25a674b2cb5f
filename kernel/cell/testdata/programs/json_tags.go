package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

type inner struct {
	Values []float64 `json:"values"`
}

type doc struct {
	Name    string            `json:"name"`
	Count   int               `json:"count,omitempty"`
	Skip    string            `json:"-"`
	Ptr     *int              `json:"ptr"`
	Map     map[string]string `json:"map"`
	private int
	inner
	When status `json:"status"`
}

type status int

func (s status) MarshalJSON() ([]byte, error) { return json.Marshal([]string{"off", "on"}[s]) }
func (s *status) UnmarshalJSON(b []byte) error {
	var t string
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	*s = 0
	if t == "on" {
		*s = 1
	}
	return nil
}

func main() {
	n := 3
	d := doc{Name: "x", Ptr: &n, Map: map[string]string{"b": "2", "a": "1"}, private: 9, inner: inner{[]float64{1, 2.5}}, When: 1}
	b, err := json.Marshal(d)
	fmt.Println(string(b), err)
	var back doc
	fmt.Println(json.Unmarshal(b, &back), back.Name, *back.Ptr, back.Values, back.When)
	var anything any
	err = json.Unmarshal([]byte(`{"a":[1,"x",null,true],"b":{"c":1.5}}`), &anything)
	m := anything.(map[string]any)
	fmt.Println(err, m["a"].([]any)[1], m["b"].(map[string]any)["c"])
	fmt.Println(json.NewDecoder(strings.NewReader(`{"name": 5}`)).Decode(&back) != nil)
	out, _ := json.MarshalIndent(struct {
		D time.Duration
		S []string
	}{time.Second, nil}, "", " ")
	fmt.Println(string(out))
}
