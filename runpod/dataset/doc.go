// Package dataset reads samples and labels from where people keep them: CSV, NumPy's
// .npy and .npz, Parquet, and Go structs of slices.
//
//	table, err := dataset.Read(ctx, "iris.csv", dataset.Options{})
//	data, err := table.Split("species", nil)
//	model, err := train.Fit(ctx, spec, train.Data{X: data.X, Y: data.Y, Columns: data.Columns}, train.Options{})
//
// It knows neither training nor notebooks. A number that is missing is an error with
// its row and column: what to fill in, the reader cannot know.
//
//	table.go    named columns, and the samples and labels that they make
//	read.go     which reader a file wants
//	csv.go      CSV, TSV and semicolons
//	encoding.go text that is not UTF-8
//	npy.go      NumPy's array format
//	npz.go      archives of such arrays
//	value.go    structs of slices, slices of structs, maps of slices
//	wire.go     a table as bytes, from one process to another
//	parquet/    Parquet, apart, since its library is large
package dataset
