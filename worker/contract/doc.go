// Package contract is the contract between clients and workers as data: what a
// request may hold, in tables that Go and Python both read. It imports nothing of
// ours, and holds no behavior.
//
//	hyperparameters.go  how to train: type, range, default, what it applies to
//	tables.go           optimizers, losses, schedulers, operations, limits
//	layers.go           the form of a layer's row, its page (docs/reference/layers.md), its vectors
//	json.go             the tables as JSON, for Python
//	vectors.go          requests at the bounds, with the verdict of every decoder
//	reference.go        the page of the hyperparameters, docs/reference/hyperparameters.md
//
// # contract.json
//
// "go generate ./worker/contract" writes worker/pytorch/gopherpod_worker/contract.json,
// one object: version, limits, and lists of rows under hyperparameters, optimizers,
// losses, schedulers, operations, layers. Rows have the JSON names of the Go fields; a list
// or a number that is missing means what the doc comment of its field says. A range
// has low and high, which belong to it unless open_low or open_high is true. The
// rules that go with the rows:
//
//   - null and a missing key are "not given"; 0 and "" are values.
//   - An integer may be written 32.0. true is no number.
//   - The name of a field in an error is the path, "hyperparameters.scheduler.gamma";
//     of a list, the element: "hyperparameters.betas[1]".
//   - A value that does not apply (optimizers, losses, schedulers) is refused by
//     name, unless it equals the row's default or default_by for the optimizer. A
//     request without protocol may hold what its optimizer does not use; it is ignored.
//   - Order of checks: unknown fields and types, then ranges in the order of the
//     rows, then what does not apply, then rules that join several rows (nesterov).
package contract

//go:generate go run ./generate
