package train

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// textsOf reads labels that are texts: []string, or a slice of a type of texts.
func textsOf(v any) ([]string, bool) {
	if s, ok := v.([]string); ok {
		return s, true
	}
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Slice || r.Type().Elem().Kind() != reflect.String {
		return nil, false
	}
	texts := make([]string, r.Len())
	for i := range texts {
		texts[i] = r.Index(i).String()
	}
	return texts, true
}

// numberTexts turns labels that are texts into numbers of classes: places in known
// or, where that is nil, in the sorted list of the texts, which it returns. Labels
// that are numbers stay as they are, with the names of known.
func numberTexts(name string, y any, known []string, loss string) (any, []string, error) {
	texts, ok := textsOf(y)
	if !ok {
		return y, known, nil
	}
	if len(texts) == 0 {
		return nil, nil, wrong(name, tensors.ErrEmpty, "is empty")
	}
	if !worker.ClassLabels(loss) && loss != "bce_with_logits" {
		return nil, nil, wrong(name, tensors.ErrType, "holds texts, and %s wants numbers; for classes there is the loss cross_entropy", loss)
	}
	names := known
	if names == nil {
		names = slices.Clone(texts)
		slices.Sort(names)
		names = slices.Compact(names)
	}
	if loss == "bce_with_logits" && len(names) > 2 {
		return nil, nil, wrong(name, tensors.ErrRange, "holds %d different texts, and %s tells two classes apart; for more there is the loss cross_entropy", len(names), loss)
	}
	number := make(map[string]int, len(names))
	for i, s := range names {
		number[s] = i
	}
	classes := make([]int, len(texts))
	for i, s := range texts {
		n, ok := number[s]
		switch {
		case s == "":
			return nil, nil, wrong(name, tensors.ErrRange, "holds an empty text at %d; take the sample out", i)
		case !utf8.ValidString(s):
			return nil, nil, wrong(name, tensors.ErrType, "holds %q at %d, which is not UTF-8 and would not survive in a file; decode the labels first", s, i)
		case !ok:
			return nil, nil, wrong(name, tensors.ErrRange, "holds %q at %d, a class that the model does not know%s", s, i, knownClasses(names))
		}
		classes[i] = n
	}
	return classes, names, nil
}

func knownClasses(names []string) string {
	if len(names) > 10 {
		return ""
	}
	return fmt.Sprintf("; it knows %q", names)
}

// ClassName is the name of class i, its number where it has none.
func (m *Model) ClassName(i int) string {
	if i >= 0 && i < len(m.ClassNames) {
		return m.ClassNames[i]
	}
	return strconv.Itoa(i)
}

// Labels is Classes with the names of the classes.
func (m *Model) Labels(X any) ([]string, error) {
	classes, err := m.Classes(X)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(classes))
	for i, c := range classes {
		names[i] = m.ClassName(c)
	}
	return names, nil
}
