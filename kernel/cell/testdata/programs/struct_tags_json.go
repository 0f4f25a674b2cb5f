package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

type Level int

func (l Level) MarshalText() ([]byte, error) { return []byte(strings.Repeat("*", int(l))), nil }
func (l *Level) UnmarshalText(b []byte) error {
	*l = Level(len(b))
	return nil
}

type inner struct {
	X int `json:"x"`
}

type Doc struct {
	inner
	Name  string         `json:"name,omitempty" custom:"a,b"`
	Tags  []string       `json:"tags"`
	Level Level          `json:"level"`
	Meta  map[string]any `json:"meta,omitempty"`
	Next  *Doc           `json:"next,omitempty"`
	D     time.Duration  `json:"-"`
	priv  int
	Opt   *int `json:"opt,omitzero"`
	Any   any
}

func main() {
	d := Doc{inner: inner{1}, Name: "n", Level: 3, Next: &Doc{Tags: []string{"t"}}, priv: 9, Any: struct {
		A int `json:"a"`
	}{5}}
	b, err := json.Marshal(d)
	fmt.Println(string(b), err)
	var back Doc
	fmt.Println(json.Unmarshal([]byte(`{"x":7,"name":"b","level":"**","meta":{"k":[1,2.5,null]},"next":{"tags":[]},"unknown":1}`), &back))
	fmt.Printf("%d %s %d %v %v\n", back.X, back.Name, back.Level, back.Meta, back.Next.Tags == nil)
	t := reflect.TypeOf(d)
	for i := range t.NumField() {
		f := t.Field(i)
		fmt.Println(f.Name, f.Type, f.Tag.Get("custom"), f.Anonymous, f.IsExported())
	}
	v := reflect.ValueOf(&d).Elem()
	v.FieldByName("Name").SetString("set")
	fmt.Println(d.Name, v.FieldByName("priv").CanSet(), t.Name(), t.Kind(), v.NumMethod(), reflect.TypeOf(Level(0)).NumMethod())
	var e *json.UnmarshalTypeError
	_ = e
	err = json.Unmarshal([]byte(`{"name":3}`), &back)
	fmt.Println(err)
	fn := reflect.MakeFunc(reflect.TypeOf(func(int, int) int { return 0 }), func(a []reflect.Value) []reflect.Value {
		return []reflect.Value{reflect.ValueOf(int(a[0].Int() * a[1].Int()))}
	})
	fmt.Println(fn.Interface().(func(int, int) int)(6, 7))
	m := reflect.ValueOf(Level(2)).MethodByName("MarshalText").Call(nil)
	fmt.Println(string(m[0].Bytes()), reflect.DeepEqual([]int{1}, []int{1}), reflect.TypeOf((*error)(nil)).Elem())
}
