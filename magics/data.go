package magics

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/runpod/dataset"
	"github.com/gopherpod/gopherpod/runpod/train"
)

// dataOptions say which samples and labels a magic reads.
type dataOptions struct{ data, target, columns string }

func (o *dataOptions) define(flags *pflag.FlagSet) {
	flags.StringVarP(&o.data, "data", "d", "", "samples and labels: variables `X,y`, a file (CSV, .npy, .npz, .parquet) or a struct of slices")
	o.defineColumns(flags)
	flags.StringVarP(&o.target, "target", "l", "", "`column` of the file or struct that holds the labels")
}

func (o *dataOptions) defineColumns(flags *pflag.FlagSet) {
	flags.StringVar(&o.columns, "columns", "", "`names` of the columns that are samples: a,b,c (default: all but the target)")
}

// read reads the data behind an option.
func (o *dataOptions) read(ctx context.Context, vars magic.Vars, option, text string, model *train.Model) (train.Data, error) {
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	if len(parts) == 1 && o.target != "" {
		table, err := readTable(ctx, vars, parts[0])
		if err != nil {
			return train.Data{}, err
		}
		if table != nil {
			return o.split(table, o.target, model)
		}
		parts = append(parts, o.target) // -d X -l y
	}
	if len(parts) == 1 && parts[0] != "" {
		if table, err := readTable(ctx, vars, parts[0]); err != nil {
			return train.Data{}, err
		} else if table != nil {
			return train.Data{}, usage("which column of %s holds the labels? --target NAME; it has %s", parts[0], strings.Join(table.Names(), ", "))
		}
	}
	if len(parts) != 2 || parts[0] == "" || parts[1] == "" {
		return train.Data{}, usage("%s wants two variables, samples and labels: %s X,y (without a blank), or a file and --target", option, option)
	}
	d, err := o.samples(ctx, vars, parts[0], model)
	if err != nil {
		return d, err
	}
	d.YName = parts[1]
	labels, err := readTable(ctx, vars, parts[1])
	switch {
	case err != nil:
		return d, err
	case labels == nil:
		d.Y, err = value(vars, parts[1])
	case len(labels.Columns) != 1:
		return d, usage("%s has %d columns, and labels are one", parts[1], len(labels.Columns))
	case labels.Columns[0].Texts != nil:
		d.Y = labels.Columns[0].Texts
	default:
		d.Y = labels.Columns[0].Array
	}
	return d, err
}

// samples reads X alone.
func (o *dataOptions) samples(ctx context.Context, vars magic.Vars, name string, model *train.Model) (train.Data, error) {
	table, err := readTable(ctx, vars, name)
	if err != nil {
		return train.Data{}, err
	}
	if table != nil {
		return o.split(table, "", model)
	}
	if o.columns != "" {
		return train.Data{}, usage("--columns chooses among the columns of a file or a struct, and %s has none", name)
	}
	X, err := value(vars, name)
	return train.Data{X: X, XName: name}, err
}

// split makes data of the table: of the columns named, else of those that the model
// was trained on where the table has them.
func (o *dataOptions) split(table *dataset.Table, target string, model *train.Model) (train.Data, error) {
	var columns []string
	for _, name := range strings.Split(o.columns, ",") {
		if name = strings.TrimSpace(name); name != "" {
			columns = append(columns, name)
		}
	}
	names := table.Names()
	if columns == nil && model != nil && !slices.ContainsFunc(model.Columns, func(c string) bool { return !slices.Contains(names, c) }) {
		columns = model.Columns
	}
	d, err := table.Split(target, columns)
	data := train.Data{X: d.X, Y: d.Y, Columns: d.Columns, XName: table.Name, YName: target}
	if len(d.Columns) == 1 && d.Columns[0] == "" { // an array without a name
		data.Columns = nil
	}
	return data, err
}

// readTable reads a file, or a variable that has columns; nil is another variable.
func readTable(ctx context.Context, vars magic.Vars, word string) (*dataset.Table, error) {
	if !dataset.IsFile(word) {
		v, err := lookup(vars, word)
		if err != nil {
			return nil, err
		}
		table, _, err := dataset.FromValue(word, v)
		return table, err
	}
	table, err := dataset.Read(ctx, word, dataset.Options{})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage("there is no file %s here", word)
	}
	return table, err
}
