package magics

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod/train"
)

type saveOptions struct{ force bool }

func saveMagic() magic.Magic {
	return &command[saveOptions]{
		name: "runpod_save", kind: magic.Line,
		args:    "[model] FILE.safetensors",
		summary: "write a trained model into a file that PyTorch reads as well",
		about: `%runpod_save model net.safetensors

In PyTorch: module.load_state_dict(safetensors.torch.load_file("net.safetensors"))
The optimizer's state goes into net.optimizer.safetensors, for training further.`,
		define: func(fs *pflag.FlagSet, o *saveOptions) {
			fs.BoolVarP(&o.force, "force", "f", false, "replace a file that is there")
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
		return usage("a file is wanted: %%runpod_save model net.safetensors")
	}
	path := args[0]
	model, err := modelVar(c.Vars, name)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err == nil && !o.force {
		return usage("%s is there already; -f replaces it", path)
	}
	if err := model.Save(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out.Stdout(), "%s: %s, %s\n", path, plural(model.Parameters, "parameter"), render.Bytes(info.Size()))
	return nil
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
				return usage("a file is wanted: %%runpod_load net.safetensors")
			}
			if err := resultName("-o", o.out); err != nil {
				return err
			}
			model, err := train.Load(args[0])
			if err != nil {
				return err
			}
			if err := c.Vars.Define(o.out, model); err != nil {
				return err
			}
			fmt.Fprintf(c.Out.Stdout(), "%s: %s; %s\n", o.out, layersInWords(model.Spec), model)
			return nil
		},
	}
}
