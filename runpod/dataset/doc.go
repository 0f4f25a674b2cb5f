// Package dataset reads samples and labels from CSV files, NumPy's .npy and .npz, Parquet,
// and Go structs of slices.
//
//	table, err := dataset.Read(ctx, "iris.csv", dataset.Options{})
//	data, err := table.Split("species", nil)
//	model, err := train.Fit(ctx, spec, train.Data{X: data.X, Y: data.Y, Columns: data.Columns}, train.Options{})
//
// The package knows neither training nor notebooks. A missing number is an error that names
// its row and column, because a reader cannot know what to fill in.
//
//	table.go    named columns; how they become samples and labels
//	read.go     chooses the reader of a file
//	csv.go      CSV, TSV and semicolons
//	encoding.go text that is not UTF-8
//	npy.go      NumPy's array format
//	npz.go      archives of such arrays
//	value.go    structs of slices, slices of structs, maps of slices
//	wire.go     a table as bytes, from one process to another
//	parquet/    Parquet, in a package of its own because its library is large
package dataset
