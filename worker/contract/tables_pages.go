package contract

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// MetricsFile is the page of the losses and the metrics, from the package's folder.
const MetricsFile = "../../docs/reference/metrics.md"

// MetricsReference returns the page of the losses and the metrics.
func MetricsReference() ([]byte, error) {
	b := bytes.NewBufferString(`# Losses and metrics

Generated from worker/contract; do not edit. A loss decides what the labels are, and so which metrics a
model has. The record of an epoch has the figure of the training data under the metric's name, and that of
the validation data under val_ and the name.

| loss | labels | what it is |
|---|---|---|
`)
	for _, l := range Losses() {
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", l.Name.Name, l.Task, l.Doc)
	}
	b.WriteString("\n| metric | good is | for labels that are | in | what it is |\n|---|---|---|---|---|\n")
	for _, m := range Metrics() {
		where := "evaluations"
		switch {
		case m.Epochs:
			where = "epochs, evaluations"
		case m.PerClass:
			where = "evaluations, for each class or label"
		}
		tasks := make([]string, len(m.Tasks))
		for i, t := range m.Tasks {
			tasks[i] = string(t)
		}
		good := "small"
		if m.Best == BestMax {
			good = "large"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", m.Name, good, strings.Join(tasks, ", "), where, m.Doc)
	}
	return b.Bytes(), nil
}

// WorkersFile is the page of what each worker supports, from the package's folder.
const WorkersFile = "../../docs/reference/workers.md"

// WorkersReference returns the page of what each worker supports.
func WorkersReference() ([]byte, error) {
	b := bytes.NewBufferString(`# Workers

Generated from worker/contract; do not edit. There are two workers: the engine, in Go, computes on the CPU,
on this machine; the PyTorch worker computes on a GPU or, without one, on a CPU. A model, a layer, a loss or
an optimizer that a worker lacks is refused as Unsupported, by name. A precision that its machine lacks is
not: the log says what it computes with. Hyperparameters for GPUs change nothing on a CPU. The operation ` + "`capabilities`" + ` asks a
worker for these lists.
`)
	section := func(title string, rows []Name) {
		fmt.Fprintf(b, "\n## %s\n\n| name | engine | pytorch | what it is |\n|---|---|---|---|\n", title)
		for _, r := range rows {
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", r.Name, has(r.Workers, WorkerEngine), has(r.Workers, WorkerPyTorch), r.Doc)
		}
	}
	var operations, losses, layers, hyperparameters []Name
	for _, o := range Operations() {
		operations = append(operations, Name{o.Name, o.Workers, o.Doc})
	}
	for _, l := range Losses() {
		losses = append(losses, l.Name)
	}
	for _, l := range Layers() {
		if len(l.Workers) < len(both) {
			layers = append(layers, Name{l.Name, l.Workers, l.Doc + "."})
		}
	}
	for _, h := range Hyperparameters() {
		if len(h.Workers) < len(both) {
			hyperparameters = append(hyperparameters, Name{h.Name, h.Workers, h.Doc})
		}
	}
	section("Operations", operations)
	section("Models", Models())
	section("Precisions", Precisions())
	section("Optimizers", Optimizers())
	section("Losses", losses)
	section("Schedulers", Schedulers())
	section("Features", Features())
	section("Layers that one of them lacks", layers)
	section("Hyperparameters that one of them lacks", hyperparameters)
	return b.Bytes(), nil
}

func has(workers []string, worker string) string {
	if slices.Contains(workers, worker) {
		return "yes"
	}
	return "no"
}
