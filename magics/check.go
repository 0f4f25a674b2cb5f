package magics

import (
	"context"
	"fmt"

	"github.com/gopherpod/gopherpod/kernel/check"
	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/kernel/secrets"
	"github.com/gopherpod/gopherpod/runpod/settings"
)

func checkMagic() magic.Magic {
	return &command[noOptions]{
		name: "runpod_check", kind: magic.Line,
		args:    "FILE...",
		summary: "look for keys, home paths and huge outputs in notebooks before they are shared",
		about:   "Save the notebook first: the file is read. gopherpod check --fix FILE masks and shortens what is found.",
		run: func(_ context.Context, c *magic.Call, _ *noOptions, args []string) error {
			if len(args) == 0 {
				return usage("which notebook? %%runpod_check notebook.ipynb")
			}
			grave := 0
			redact := secrets.Redactor(settings.Environ(), ".env")
			for _, name := range args {
				found, err := check.File(name, redact)
				if err != nil {
					return err
				}
				for _, f := range found {
					fmt.Fprintf(c.Out.Stdout(), "%s: %s\n", name, f)
					if f.Kind.Grave() {
						grave++
					}
				}
				if len(found) == 0 {
					fmt.Fprintf(c.Out.Stdout(), "%s: nothing found\n", name)
				}
			}
			if grave > 0 {
				return fmt.Errorf("%s should not be shared as it is: gopherpod check --fix masks it", plural(grave, "place"))
			}
			return nil
		},
	}
}
