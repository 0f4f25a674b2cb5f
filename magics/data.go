package magics

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/runpod/dataset"
	"github.com/gopherpod/gopherpod/runpod/train"
)

// dataOptions say which samples and labels a magic reads.
type dataOptions struct {
	data, target, columns, encoding string
	tables                          map[string]*dataset.Table // by file name: a call reads each file once
}

func (o *dataOptions) define(flags *pflag.FlagSet) {
	flags.StringVarP(&o.data, "data", "d", "", "samples and labels: variables `X,y`, a file (CSV, .npy, .npz, .parquet) or a struct of slices")
	o.defineColumns(flags)
	flags.StringVarP(&o.target, "target", "l", "", "`column` of the file or struct that holds the labels; a,b,c: several labels a row")
}

func (o *dataOptions) defineColumns(flags *pflag.FlagSet) {
	flags.StringVar(&o.columns, "columns", "", "`names` of the columns that are samples: a,b,c (default: all but the target)")
	flags.StringVar(&o.encoding, "encoding", "", "`name` of a CSV file's encoding: "+strings.Join(dataset.Encodings(), ", ")+" (default utf-8)")
}

// read reads the data that an option names.
func (o *dataOptions) read(ctx context.Context, c *magic.Call, option, text string, model *train.Model) (train.Data, error) {
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	if len(parts) == 1 && o.target != "" {
		table, err := o.table(ctx, c, parts[0])
		if err != nil {
			return train.Data{}, err
		}
		if table != nil {
			return o.split(table, o.target, model)
		}
		parts = append(parts, o.target) // -d X -l y
	}
	if len(parts) == 1 && parts[0] != "" {
		if table, err := o.table(ctx, c, parts[0]); err != nil {
			return train.Data{}, err
		} else if table != nil {
			return train.Data{}, usage("which column of %s holds the labels? --target NAME; it has %s", parts[0], strings.Join(table.Names(), ", "))
		}
	}
	if len(parts) != 2 || parts[0] == "" || parts[1] == "" {
		return train.Data{}, usage("%s wants two variables, samples and labels: %s X,y (without a blank), or a file and --target", option, option)
	}
	d, err := o.samples(ctx, c, parts[0], model)
	if err != nil {
		return d, err
	}
	d.YName = parts[1]
	labels, err := o.table(ctx, c, parts[1])
	switch {
	case err != nil:
		return d, err
	case labels == nil:
		d.Y, err = value(c.Vars, parts[1])
	case len(labels.Columns) != 1:
		return d, usage("%s: want one column of labels, got %d", parts[1], len(labels.Columns))
	case labels.Columns[0].Texts != nil:
		d.Y = labels.Columns[0].Texts
	default:
		d.Y = labels.Columns[0].Array
	}
	return d, err
}

// samples reads X only.
func (o *dataOptions) samples(ctx context.Context, c *magic.Call, name string, model *train.Model) (train.Data, error) {
	table, err := o.table(ctx, c, name)
	if err != nil {
		return train.Data{}, err
	}
	if table != nil {
		return o.split(table, "", model)
	}
	if o.columns != "" {
		return train.Data{}, usage("--columns: want a file or a struct with columns, got %s", name)
	}
	X, err := value(c.Vars, name)
	return train.Data{X: X, XName: name}, err
}

// split splits the table into samples and labels. The samples are the columns that
// --columns names, otherwise those that the model was trained on. Columns are found by
// name and put in the model's order; a table that lacks one is refused, because the right
// number of columns in another order is silently wrong.
func (o *dataOptions) split(table *dataset.Table, target string, model *train.Model) (train.Data, error) {
	var columns []string
	for _, name := range strings.Split(o.columns, ",") {
		if name = strings.TrimSpace(name); name != "" {
			columns = append(columns, name)
		}
	}
	switch {
	case model == nil || model.Columns == nil:
	case columns == nil:
		var err error
		if columns, err = table.Order(model.Columns); err != nil {
			return train.Data{}, err
		}
	case sameNames(columns, model.Columns):
		columns = model.Columns
	}
	d, err := table.Split(target, columns)
	data := train.Data{X: d.X, Y: d.Y, Columns: d.Columns, XName: table.Name, YName: target}
	if len(d.Columns) == 1 && d.Columns[0] == "" { // an array without a name
		data.Columns = nil
	}
	return data, err
}

// sameNames reports whether two lists hold the same names, in any order.
func sameNames(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// table reads a file, or a variable that has columns, and prints what the reader
// decided. It returns nil for any other variable.
func (o *dataOptions) table(ctx context.Context, c *magic.Call, word string) (*dataset.Table, error) {
	if !dataset.IsFile(word) {
		v, err := lookup(c.Vars, word)
		if err != nil {
			return nil, err
		}
		table, _, err := dataset.FromValue(word, v)
		return table, err
	}
	if table, ok := o.tables[word]; ok {
		return table, nil
	}
	table, err := dataset.Read(ctx, word, dataset.Options{Encoding: o.encoding})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage("there is no file %s here", word)
	}
	if err != nil {
		return nil, err
	}
	for _, note := range table.Notes {
		fmt.Fprintln(c.Out.Stdout(), table.Name+": "+note)
	}
	if o.tables == nil {
		o.tables = map[string]*dataset.Table{}
	}
	o.tables[word] = table
	return table, nil
}
