package magics

import (
	"go/token"
	"reflect"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/runpod/train"
)

// lookup finds a variable, or an exported field of one: "X", "digits.Images".
func lookup(vars magic.Vars, name string) (reflect.Value, error) {
	first, fields, _ := strings.Cut(name, ".")
	v, ok := vars.Lookup(first)
	if !ok {
		hint := didYouMean(first, vars.Names())
		if hint == "" {
			hint = "; define it in a cell before"
		}
		return v, usage("there is no variable %s%s", first, hint)
	}
	path := first
	for fields != "" {
		var field string
		field, fields, _ = strings.Cut(fields, ".")
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
			if v.IsNil() {
				return v, usage("%s is nil", path)
			}
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return v, usage("%s is a %s and has no field %s", path, v.Type(), field)
		}
		f, ok := v.Type().FieldByName(field)
		if !ok || !f.IsExported() {
			return v, usage("%s has no exported field %s%s", path, field, didYouMean(field, fieldNames(v.Type())))
		}
		v, path = v.FieldByIndex(f.Index), path+"."+field
	}
	return v, nil
}

func fieldNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() {
			names = append(names, f.Name)
		}
	}
	return names
}

// value returns the variable's value. A nil interface, pointer or slice is an
// error.
func value(vars magic.Vars, name string) (any, error) {
	v, err := lookup(vars, name)
	if err != nil {
		return nil, err
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice:
		if v.IsNil() {
			return nil, usage("%s is nil (a %s without a value)", name, v.Type())
		}
	}
	return v.Interface(), nil
}

// modelVar reads a trained model from a variable.
func modelVar(vars magic.Vars, name string) (*train.Model, error) {
	v, err := value(vars, name)
	if err != nil {
		if name == defaultModel {
			if _, ok := vars.Lookup(name); !ok {
				return nil, usage("there is no variable %s; train one with %%%%runpod_train, or name another", name)
			}
		}
		return nil, err
	}
	switch m := v.(type) {
	case *train.Model:
		return m, nil
	case train.Model:
		return &m, nil
	}
	return nil, usage("%s is a %T and not a trained model; %%%%runpod_train makes one", name, v)
}

// defaultModel is the variable that a training defines and other magics read.
const defaultModel = "model"

// resultName checks a name for a new variable.
func resultName(option, name string) error {
	if !token.IsIdentifier(name) || name == "_" {
		return usage("%s %s: not a valid variable name", option, name)
	}
	return nil
}

// shadowVars are the variables of a session, with some names overridden.
type shadowVars struct {
	magic.Vars
	names map[string]string
}

func (v *shadowVars) Lookup(name string) (reflect.Value, bool) {
	if text, ok := v.names[name]; ok {
		return reflect.ValueOf(text), true
	}
	return v.Vars.Lookup(name)
}
