package magics

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/runpod/deploy"
)

func deployMagic() magic.Magic {
	return &command[deploy.Options]{
		name: "runpod_deploy", kind: magic.Line,
		args:    "[options]",
		summary: "make or change the RunPod endpoint that runs the worker, and use it from then on",
		about: `The same as "gopherpod deploy". The key is RUNPOD_API_KEY of the environment or .env;
the endpoint's id is put into .env.

  %runpod_deploy --image docker.io/you/worker:20261123-1200 --dry-run
  %runpod_deploy --memory 24 --max-workers 2 --volume data`,
		define: func(fs *pflag.FlagSet, o *deploy.Options) { o.Flags(fs) },
		choices: map[string][]string{
			"flashboot": {"on", "priority", "off"},
		},
		run: runDeploy,
	}
}

func runDeploy(ctx context.Context, c *magic.Call, o *deploy.Options, args []string) error {
	if len(args) > 0 {
		return usage("%q: runpod_deploy takes options only", args[0])
	}
	err := deploy.Run(ctx, *o, c.Out.Stdout())
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var told *deploy.Problem
	if errors.As(err, &told) { // it names the next step already, and not that of a training
		return errors.New(told.Error())
	}
	return err
}
