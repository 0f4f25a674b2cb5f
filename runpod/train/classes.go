package train

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// textsOf returns text labels: v is a []string, or a slice of another type of strings.
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

// numberTexts converts text labels to class numbers: indices into known or, if known is
// nil, into the sorted list of the different texts. It returns the numbers and that list.
// Labels that are numbers are returned unchanged, with known.
func numberTexts(name string, y any, known []string, loss string) (any, []string, error) {
	texts, ok := textsOf(y)
	if !ok {
		return y, known, nil
	}
	if len(texts) == 0 {
		return nil, nil, wrong(name, tensors.ErrEmpty, "is empty")
	}
	if !worker.ClassLabels(loss) && !worker.Binary(loss) {
		return nil, nil, wrong(name, tensors.ErrType, "holds texts, and %s wants numbers; for classes there is the loss cross_entropy", loss)
	}
	names := known
	if names == nil {
		names = slices.Clone(texts)
		slices.Sort(names)
		names = slices.Compact(names)
	}
	if worker.Binary(loss) && len(names) > 2 {
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

// ClassName returns the name of class i, or its number if it has no name.
func (m *Model) ClassName(i int) string {
	if i >= 0 && i < len(m.ClassNames) {
		return m.ClassNames[i]
	}
	return strconv.Itoa(i)
}

// Classes returns the class of each row of X: the column with the highest score, the first
// one if several are equal. A single output of bce_with_logits gives 1 if it is above 0,
// else 0. Classes fails for a model that decides several labels per row (see Indicators),
// and for one whose single output is a number.
func (m *Model) Classes(X any) ([]int, error) {
	return m.ClassesContext(context.Background(), X)
}

// ClassesContext is Classes with a context.
func (m *Model) ClassesContext(ctx context.Context, X any) ([]int, error) {
	if err := m.oneClass(elements(m.Output)); err != nil {
		return nil, err
	}
	scores, err := m.PredictContext(ctx, X)
	if err != nil {
		return nil, err
	}
	if _, cols := scores.Dims(); m.Output == nil {
		if err := m.oneClass(cols); err != nil {
			return nil, err
		}
	}
	return argmax(scores), nil
}

// ErrNotClasses means that the model's outputs do not choose one class per row.
var ErrNotClasses = errors.New("the model does not choose one class a row")

// oneClass returns an error if a model with so many outputs (0: not known yet) does not
// choose one class per row.
func (m *Model) oneClass(outputs int) error {
	loss := m.Hyperparameters.LossFunction
	switch {
	case worker.Binary(loss) && outputs > 1:
		return fmt.Errorf("train: classes: %w: it decides %d labels a row, each yes or no; Indicators gives them as 0 and 1", ErrNotClasses, outputs)
	case !worker.Classifies(loss) && loss != "" && outputs == 1:
		return fmt.Errorf("train: classes: %w: it was trained with %s and gives one number; Predict returns it", ErrNotClasses, loss)
	}
	return nil
}

// MultiLabel reports whether the model decides several labels per row, each yes or no:
// bce_with_logits with more than one output.
func (m *Model) MultiLabel() bool {
	return worker.Binary(m.Hyperparameters.LossFunction) && elements(m.Output) > 1
}

// elements returns how many numbers a shape has, 0 if the shape is not known.
func elements(shape []int) int {
	if shape == nil {
		return 0
	}
	n, _ := worker.Elements(shape)
	return n
}

// Indicators returns a row for each row of X, with 1 for each label that applies and 0 for
// the others. A label applies if its output, before sigmoid, is above 0. Indicators is for
// models trained with bce_with_logits, with any number of outputs.
func (m *Model) Indicators(X any) ([][]int, error) {
	return m.IndicatorsContext(context.Background(), X)
}

// IndicatorsContext is Indicators with a context.
func (m *Model) IndicatorsContext(ctx context.Context, X any) ([][]int, error) {
	if loss := m.Hyperparameters.LossFunction; !worker.Binary(loss) {
		return nil, fmt.Errorf("train: indicators: the model was trained with %s and does not decide labels by yes or no; see Classes and Predict", loss)
	}
	scores, err := m.PredictContext(ctx, X)
	if err != nil {
		return nil, err
	}
	rows, cols := scores.Dims()
	all := make([][]int, rows)
	for i := range all {
		all[i] = make([]int, cols)
		for j, v := range scores.RawRowView(i) {
			if v > 0 {
				all[i][j] = 1
			}
		}
	}
	return all, nil
}

func argmax(scores *mat.Dense) []int {
	rows, cols := scores.Dims()
	classes := make([]int, rows)
	for i := range classes {
		row := scores.RawRowView(i)
		if cols == 1 {
			if row[0] > 0 {
				classes[i] = 1
			}
			continue
		}
		for j, v := range row {
			if v > row[classes[i]] {
				classes[i] = j
			}
		}
	}
	return classes
}

// Labels is Classes, but returns the names of the classes.
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
