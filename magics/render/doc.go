// Package render turns histories and metrics of training into outputs that are
// right in every viewer: JupyterLab trusted or not, VS Code, GitHub, nbconvert, a
// terminal. It draws and formats; it does not know about magics or endpoints.
//
//	bundle.go     tables and pictures as display.Message
//	number.go     numbers as people read them, the same for the same value
//	spark.go      a row of block characters
//	table.go      one table as HTML without CSS and as aligned text
//	style.go      fonts, colours and dashes of the pictures, PNG and SVG
//	curve.go      learning curves, down-sampled
//	axis.go       ranges and ticks of axes, for any values
//	guard.go      a picture that panics or is slow does no harm beyond itself
//	training.go   what a finished training shows: summary table and curve
//	live.go       what a running training shows, and how often
//	evaluation.go metrics, per-class table; confusion.go its picture
//	fit.go        ROC curve, residuals
//	plot.go       a plot made by the user
//	compare.go    several trainings over each other
//	sweep.go      trials of a search: table, parallel coordinates
//	receipt.go    what it takes to repeat a run
//
// The form of an output follows from what viewers drop. A picture is image/png,
// with a sentence as text/plain and as alt text in the metadata. A table is
// text/html that needs no CSS, with an aligned text/plain version. No number in a
// finished output depends on the clock, so that a notebook run twice stores the
// same outputs; times belong in a line of their own.
//
// Every picture is drawn under a guard: one that panics or takes more than 2 s is
// replaced by its sentence, and the training that it shows continues.
package render
