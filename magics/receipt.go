package magics

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/tensors/printable"
)

// receipt returns the output below a result that says how to repeat it. Repeating
// the run shows the same text; the run's id and time are in the metadata only.
func receipt(r train.Receipt) display.Message {
	var rows [][2]string
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, [2]string{name, value})
		}
	}
	var data []string
	for _, d := range r.Data {
		add("data "+d.Name, d.Array+" sha256 "+d.SHA256)
		data = append(data, d.Name+" "+render.Digest(d.SHA256))
	}
	add("model", r.Model.Title())
	add("training", fmt.Sprintf("%s, %s", howTrainedModel(r.Model, r.Hyperparameters), plural(r.Hyperparameters.Epochs, "epoch")))
	if w := r.Weights; w != nil && (w.Best != "" || w.Epoch != r.Epochs) {
		add("weights", weightsInWords(*w))
	}
	loss := r.Hyperparameters.LossFunction
	if p, ok := r.Model.Python(); ok && p.Defines("loss") {
		loss = "the model's own, with labels of " + loss
	}
	add("loss", loss)
	add("precision", r.Precision)
	add("device", printable.Text(r.Device))
	names := make([]string, 0, len(r.Versions))
	for name := range r.Versions {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		add(name, r.Versions[name])
	}
	return render.Receipt("Receipt: "+strings.Join(data, ", ")+"; "+howTrainedModel(r.Model, r.Hyperparameters), rows, r)
}
