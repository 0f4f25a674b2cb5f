package magics

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/runpod/export"
	"github.com/gopherpod/gopherpod/runpod/train"
)

// whyNot explains, for each format that is only written, why it cannot be loaded.
var whyNot = map[export.Format]string{
	export.PyTorch: "a .pt file is a pickle, which can run any code when it is read, and it holds no layers",
	export.ONNX:    "a .onnx file is for other programs and does not say how the model was trained",
	export.Go:      "a .go file is a program to compile",
}

type loadOptions struct{ out string }

func loadMagic() magic.Magic {
	return &command[loadOptions]{
		name: "runpod_load", kind: magic.Line,
		args:    "FILE.safetensors [options]",
		summary: "read a model that runpod_save wrote",
		define: func(fs *pflag.FlagSet, o *loadOptions) {
			fs.StringVarP(&o.out, "output", "o", defaultModel, "`variable` for the model")
		},
		run: func(_ context.Context, c *magic.Call, o *loadOptions, args []string) error {
			if len(args) != 1 {
				return usage("want a file, as in %%runpod_load net.safetensors")
			}
			if err := resultName("-o", o.out); err != nil {
				return err
			}
			if format := train.FormatOf(args[0]); format != "" && format != train.Safetensors {
				return usage("%s cannot be read: %s; save as .safetensors to load it again", args[0], whyNot[format])
			}
			model, err := train.Load(args[0])
			if err != nil {
				return err
			}
			if err := c.Vars.Define(o.out, model); err != nil {
				return err
			}
			fmt.Fprintf(c.Out.Stdout(), "%s: %s; %s\n", o.out, model.Spec.Title(), model)
			return nil
		},
	}
}
