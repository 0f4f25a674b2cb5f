// Package contract is the contract between clients and workers as data: what a
// request may hold, in tables that Go and Python both read. It imports nothing of
// ours, and holds no behavior.
//
//	values.go           types and ranges
//	hyperparameters.go  how to train: type, range, default, what it applies to
//	layers.go           the form of a layer's row and of its parameters
//	layers_table.go     the rows of the layers
//	tables.go           optimizers, losses, schedulers, precisions, models, features,
//	                    operations, limits; what each worker supports
//	metrics.go          metrics: which way is better, what has them
//	json.go             the tables as JSON, for Python
//	vectors.go          requests at the bounds, with the verdict of every decoder
//	layers_vectors.go   the same for the parameters of the layers
//	reference.go        the page of the hyperparameters, docs/reference/hyperparameters.md
//	layers_page.go      the page of the layers, docs/reference/layers.md
//	tables_pages.go     docs/reference/metrics.md and docs/reference/workers.md
//
// # contract.json
//
// "go generate ./worker/contract" writes worker/pytorch/gopherpod_worker/contract.json,
// one object: version, limits, and lists of rows under hyperparameters, optimizers,
// losses, schedulers, metrics, precisions, models, features, operations, layers. Rows have the JSON names of the Go fields; a list
// or a number that is missing means what the doc comment of its field says. A range
// has low and high, which belong to it unless open_low or open_high is true, and words
// for errors. The rules that go with the rows:
//
//   - null and a missing key are "not given"; 0 and "" are values.
//   - An integer may be written 32.0. true is no number.
//   - The name of a field in an error is the path, "hyperparameters.scheduler.gamma";
//     of a list, the element: "hyperparameters.betas[1]". It has the key that the
//     request has, also if that is an alias. What is missing is named like a value
//     that is there: "model_config.layers[0].out_features".
//   - A value that does not apply (optimizers, losses, schedulers) is refused by
//     name, unless it equals the row's default or default_by for the optimizer. A
//     request without protocol may hold what its optimizer does not use; it is ignored.
//   - Order of checks: unknown fields and types, then ranges in the order of the
//     rows, then what does not apply, then rules that join several rows (nesterov).
package contract

//go:generate go run ./generate
