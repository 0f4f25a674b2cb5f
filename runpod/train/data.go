package train

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/runpod/transfer"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/tensors/wording"
	"github.com/gopherpod/gopherpod/worker"
)

// Data is samples and their labels. X holds one sample per row: a gonum matrix,
// [][]float64, []float64 (one feature), or a tensors.Tensor of shape [n, ...]. Y holds one
// label per row: for cross_entropy class numbers 0, 1, ... ([]int, or floats that are whole
// numbers) or names of classes ([]string); for other losses numbers of the shape of the
// model's output.
type Data struct {
	X, Y any
	// Columns are the names of X's columns, which the model remembers; nil for none.
	Columns []string
	// XName and YName are the names of X and Y in errors. Default "X" and "y".
	XName, YName string

	shared *transfer.Shared // set by PrepareData
}

func (d Data) names() (x, y string) {
	x, y = d.XName, d.YName
	if x == "" {
		x = "X"
	}
	if y == "" {
		y = "y"
	}
	return x, y
}

// sameColumns returns an error if the columns are named and are not the model's columns in
// the same order: the model would mistake one column for another, and nobody would notice.
func (d Data) sameColumns(model []string) error {
	if d.Columns == nil || model == nil || slices.EqualFunc(d.Columns, model, strings.EqualFold) {
		return nil
	}
	x, _ := d.names()
	return wrong(x, tensors.ErrShape, "has the columns %s, and the model was trained on %s; give it those, in that order", wording.List(d.Columns), wording.List(model))
}

// validationNames returns the names of validation data in errors.
func (d Data) validationNames() (x, y string) {
	x, y = d.XName, d.YName
	x = cmp.Or(x, "validation X")
	y = cmp.Or(y, "validation y")
	return x, y
}

// features checks X and converts it to the type that the model computes with: float32, or
// int64 for a model that begins with an embedding. A model in Python gets whole numbers as
// int64 and others as float32.
func features(name string, v any, model *worker.ModelConfig) (tensors.Tensor, error) {
	to := func(t tensors.Tensor) (tensors.Tensor, error) { return convert(name, t, tensors.Float32, "") }
	kind := "numbers"
	if _, ok := model.Python(); ok {
		kind, to = "as they are", func(t tensors.Tensor) (tensors.Tensor, error) { return plainNumbers(name, t) }
	} else if wantsIndices(model) {
		kind, to = "indices", func(t tensors.Tensor) (tensors.Tensor, error) {
			return convert(name, t, tensors.Int64, "the embedding layer wants whole numbers")
		}
	}
	return tensorOf(v, fmt.Sprintf("features %q %s", name, kind), func(v any) (tensors.Tensor, error) {
		return makeFeatures(name, v, to)
	})
}

func makeFeatures(name string, v any, to func(tensors.Tensor) (tensors.Tensor, error)) (tensors.Tensor, error) {
	t, err := array(name, v)
	if err != nil {
		return t, err
	}
	if len(t.Shape) == 1 { // a plain slice has one feature per sample
		if t, err = t.Reshape(t.Shape[0], 1); err != nil {
			return t, err
		}
	}
	if len(t.Shape) < 2 {
		return t, wrong(name, tensors.ErrShape, "is a single number: want a matrix with a sample a row")
	}
	return to(t)
}

func wantsIndices(m *worker.ModelConfig) bool {
	return m != nil && len(m.Layers) > 0 && m.Layers[0].Type == "embedding"
}

// labels checks that Y fits the rows of X, the shape of the model's output (nil if not
// known) and the loss function, and returns Y as a tensor. With own, the model has a loss of
// its own, which takes labels of any shape.
func labels(name string, v any, loss string, own bool, xname string, rows int, output []int) (tensors.Tensor, error) {
	key := fmt.Sprintf("labels %q %q %t %q %d %d", name, loss, own, xname, rows, output)
	return tensorOf(v, key, func(v any) (tensors.Tensor, error) {
		return makeLabels(name, v, loss, own, xname, rows, output)
	})
}

func makeLabels(name string, v any, loss string, own bool, xname string, rows int, output []int) (tensors.Tensor, error) {
	t, err := array(name, v)
	if err != nil {
		return t, err
	}
	if n := t.Rows(); n != rows {
		return t, wrong(name, tensors.ErrShape, "has %d labels and %s has %d rows; they must be as many", n, xname, rows)
	}
	if own {
		return ownLabels(name, t, loss, output)
	}
	if worker.ClassLabels(loss) {
		return classLabels(name, t, loss, output)
	}
	if t, err = convert(name, t, tensors.Float32, ""); err != nil {
		return t, err
	}
	if output != nil && !fits(t.Shape[1:], output) {
		hint := ""
		if len(t.Shape) < 3 && len(output) == 1 {
			hint = fmt.Sprintf("; the last layer wants %d for them", t.Cols())
		}
		return t, wrong(name, tensors.ErrShape, "has %s a row and the model gives %s; %s wants them equal%s",
			numbers(t.Shape[1:]), numbers(output), loss, hint)
	}
	return t, nil
}

// classLabels checks that t has one whole number per sample, from 0 up to the number of
// classes that the model has outputs for, and converts it to int64.
func classLabels(name string, t tensors.Tensor, loss string, output []int) (tensors.Tensor, error) {
	if t.Cols() != 1 {
		return t, wrong(name, tensors.ErrShape, "has %d numbers a row; %s wants one class number (for a one-hot matrix, the column of the 1)", t.Cols(), loss)
	}
	classes := math.MaxInt
	if len(output) == 1 {
		classes = output[0]
	}
	values, err := t.Float64s()
	if err != nil {
		return t, wrong(name, kindOf(err), "cannot be read as class numbers: %v", err)
	}
	for i, v := range values {
		switch {
		case v != math.Trunc(v):
			return t, wrong(name, tensors.ErrRange, "holds %v at %d; %s wants class numbers 0, 1, 2, ... (for other numbers there is the loss mse)", v, i, loss)
		case v < 0:
			return t, wrong(name, tensors.ErrRange, "holds %v at %d; class numbers begin at 0%s", v, i, signsHint(values))
		case v >= float64(classes):
			return t, wrong(name, tensors.ErrRange, "holds class %v at %d, and the model has %s; %s", v, i, outputsInWords(classes), classesHint(values, classes))
		}
	}
	if t, err = t.Reshape(t.Rows()); err != nil {
		return t, err
	}
	return convert(name, t, tensors.Int64, "")
}

// outputsInWords returns the number of outputs and the classes that they are for, in words.
func outputsInWords(n int) string {
	if n == 1 {
		return "1 output, for the class 0"
	}
	return fmt.Sprintf("%d outputs, for the classes 0 to %d", n, n-1)
}

// classesHint returns a hint for class numbers that are too high for a model with that many
// outputs: count them from 0, take a loss for numbers, or give the model more outputs.
func classesHint(values []float64, outputs int) string {
	low, high := slices.Min(values), slices.Max(values)
	hint := fmt.Sprintf("the last layer wants %.0f or more outputs", high+1)
	switch {
	case outputs == 1 && high == 1 && low >= 0:
		return "for two classes and one output there is the loss bce_with_logits, for numbers mse; or " + hint
	case outputs == 1:
		return "for numbers there is the loss mse; for classes " + hint
	case low == 1 && high == float64(outputs):
		return fmt.Sprintf("the classes are counted from 1 here: subtract 1 from each, or give the last layer %d outputs", outputs+1)
	}
	return hint
}

// signsHint returns a hint for labels of -1 and 1.
func signsHint(values []float64) string {
	for _, v := range values {
		if v != -1 && v != 1 {
			return "; for other numbers there is the loss mse"
		}
	}
	return "; write 0 instead of -1"
}

// numbers returns how many numbers a row of that shape has, in words.
func numbers(shape []int) string {
	switch {
	case len(shape) == 0, slices.Equal(shape, []int{1}):
		return "1 number"
	case len(shape) == 1:
		return fmt.Sprintf("%d numbers", shape[0])
	}
	return worker.Sizes(shape) + " numbers"
}

// fits reports whether labels with that shape per row fit an output: the shapes are equal,
// or the label is a plain number and there is a single output.
func fits(label, output []int) bool {
	return slices.Equal(label, output) || len(label) == 0 && slices.Equal(output, []int{1})
}

// array converts v to a tensor. It returns an error if a number is not finite.
func array(name string, v any) (tensors.Tensor, error) {
	if p, ok := v.(*prepared); ok {
		v = p.value
	}
	if v == nil {
		return tensors.Tensor{}, wrong(name, tensors.ErrType, "is missing")
	}
	t, err := tensors.From(v)
	if err != nil {
		return t, wrong(name, kindOf(err), "%s", reason(err, v))
	}
	var bad *tensors.NonFiniteError
	if err := t.CheckFinite(); errors.As(err, &bad) {
		more := ""
		if bad.Count > 1 {
			more = fmt.Sprintf(" (%d in all)", bad.Count)
		}
		return t, wrong(name, err, "holds %v at %s%s; take out or fill in what is missing", bad.Value, position(bad.Index), more)
	} else if err != nil {
		return t, err
	}
	return t, nil
}

// position returns an index in words: row and column, from 0 as in Go.
func position(index []int) string {
	switch len(index) {
	case 1:
		return fmt.Sprintf("row %d", index[0])
	case 2:
		return fmt.Sprintf("row %d, column %d", index[0], index[1])
	}
	return fmt.Sprint(index)
}

func reason(err error, v any) string {
	switch kindOf(err) {
	case tensors.ErrEmpty:
		return "is empty"
	case tensors.ErrType:
		return fmt.Sprintf("is a %T: want a gonum matrix or a slice of numbers", v)
	}
	return "cannot be sent: " + strings.TrimPrefix(err.Error(), "tensors: ")
}

func convert(name string, t tensors.Tensor, d tensors.DType, hint string) (tensors.Tensor, error) {
	c, err := t.To(d)
	if err != nil {
		text := "does not fit " + d.String() + ": " + strings.TrimPrefix(err.Error(), "tensors: ")
		if hint != "" {
			text += "; " + hint
		}
		return t, wrong(name, kindOf(err), "%s", text)
	}
	return c, nil
}
