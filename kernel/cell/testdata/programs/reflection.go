package main

import (
	"fmt"
	"reflect"
	"strings"
)

type thing struct {
	Name  string `db:"name" note:"n"`
	Size  int    `db:"size"`
	inner []int
}

func (t thing) Hello(who string) string { return t.Name + " greets " + who }
func (t *thing) Grow()                  { t.Size++ }

func columns(v any) string {
	t := reflect.TypeOf(v)
	var cols []string
	for i := range t.NumField() {
		if c, ok := t.Field(i).Tag.Lookup("db"); ok {
			cols = append(cols, c)
		}
	}
	return strings.Join(cols, ",")
}

func main() {
	t := thing{"box", 2, nil}
	fmt.Println(columns(t), reflect.TypeOf(t).Name(), reflect.TypeOf(t).Kind())
	v := reflect.ValueOf(&t).Elem()
	v.FieldByName("Size").SetInt(10)
	fmt.Println(t.Size, v.NumField(), v.Field(0))
	out := reflect.ValueOf(t).MethodByName("Hello").Call([]reflect.Value{reflect.ValueOf("you")})
	fmt.Println(out[0])
	reflect.ValueOf(&t).MethodByName("Grow").Call(nil)
	fmt.Println(t.Size, reflect.TypeOf(&t).NumMethod(), reflect.TypeOf(t).NumMethod())
	fmt.Println(reflect.DeepEqual(map[string][]int{"a": {1}}, map[string][]int{"a": {1}}))
	s := reflect.MakeSlice(reflect.TypeOf([]string{}), 0, 2)
	s = reflect.Append(s, reflect.ValueOf("x"))
	fmt.Println(s.Len(), s.Interface())
	fmt.Println(reflect.TypeOf(struct{ A int }{}), reflect.TypeFor[error]().Kind())
}
