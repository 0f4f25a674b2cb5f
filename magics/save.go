package magics

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/runpod/export"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/tensors/wording"
)

type saveOptions struct {
	force  bool
	format string
}

func saveMagic() magic.Magic {
	return &command[saveOptions]{
		name: "runpod_save", kind: magic.Line,
		args:    "[model] FILE [options]",
		summary: "write a trained model into a file: safetensors, PyTorch's .pt, ONNX, or Go that predicts without us",
		about: `%runpod_save model net.safetensors

The ending chooses the format:
  .safetensors  weights, layers, history, for %runpod_load too. The optimizer's state, for training
                further, goes into net.optimizer.safetensors. In PyTorch:
                module.load_state_dict(safetensors.torch.load_file("net.safetensors"))
  .pt           weights: module.load_state_dict(torch.load("net.pt", weights_only=True))
  .onnx         layers and weights, for onnxruntime and others; "input" is float32 [batch, ...]
  .go           a source file, package model: y, err := model.Predict(rows)
Outputs are those of %runpod_predict: scores, for cross_entropy before softmax.`,
		define: func(fs *pflag.FlagSet, o *saveOptions) {
			fs.BoolVarP(&o.force, "force", "f", false, "replace a file that is there")
			fs.StringVar(&o.format, "format", "", "safetensors, pt, onnx or go, whatever the ending")
		},
		run: runSave,
	}
}

func runSave(_ context.Context, c *magic.Call, o *saveOptions, args []string) error {
	name := defaultModel
	if len(args) == 2 {
		name, args = args[0], args[1:]
	}
	if len(args) != 1 {
		return usage("want a file, as in %%runpod_save model net.safetensors")
	}
	if o.format != "" && !slices.Contains(train.ExportFormats(), export.Format(o.format)) {
		return usage("--format %s is unknown; safetensors, pt, onnx and go are known", o.format)
	}
	path := args[0]
	model, err := modelVar(c.Vars, name)
	if err != nil {
		return err
	}
	if o.format == "" && train.FormatOf(path) == "" {
		return usage("the ending of %s says no format: .safetensors, .pt, .onnx and .go do, or --format", path)
	}
	if _, err := os.Stat(path); err == nil && !o.force {
		return usage("%s is there already; -f replaces it", path)
	}
	if err := model.Export(path, export.Format(o.format)); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out.Stdout(), "%s: %s, %s\n", path, plural(model.Parameters, "parameter"), wording.Bytes(info.Size()))
	return nil
}
