package terminal

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/gopherpod/gopherpod/kernel/check"
	"github.com/gopherpod/gopherpod/runpod/export"
	"github.com/gopherpod/gopherpod/runpod/train"
)

func exportCommand() *cobra.Command {
	var format string
	var force bool
	c := &cobra.Command{
		Use: "export MODEL.safetensors FILE [options]", Short: "Write a saved model as .pt, .onnx or .go, by the ending of FILE",
		Example: "gopherpod export net.safetensors net.onnx\ngopherpod export net.safetensors predict.go -f",
		Args:    exactly(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if _, err := os.Stat(args[1]); err == nil && !force {
				return usage("%s is there already; -f replaces it", args[1])
			}
			model, err := train.Load(args[0])
			if err != nil {
				return usage("%v", err)
			}
			if format == "" && train.FormatOf(args[1]) == "" {
				return usage("%s: want a file that ends in .safetensors, .pt, .onnx or .go, or --format", args[1])
			}
			return model.Export(args[1], export.Format(format))
		},
	}
	c.Flags().StringVar(&format, "format", "", "pt, onnx or go, whatever the ending")
	c.Flags().BoolVarP(&force, "force", "f", false, "replace a file that is there")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"pt", "onnx", "go"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func checkCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "check FILE... [options]", Short: "Look for keys, home paths and huge outputs in notebooks before they are shared",
		Long:    "The exit code is 1 if there are any.",
		Example: "gopherpod check *.ipynb\ngopherpod check --fix analysis.ipynb",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("which notebooks? gopherpod check FILE")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return check.Run(c.Flags(), args, redactor(), c.OutOrStdout())
		},
	}
	check.Flags(c.Flags())
	return c
}
