package magics

import (
	"context"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/settings"
	"github.com/gopherpod/gopherpod/runpod/store/s3"
)

// configShows are the variables that runpod_config shows.
func configShows() []string {
	return []string{
		runpod.EnvEndpointID, runpod.EnvAPIKey, runpod.EnvBaseURL, runpod.EnvManagementURL,
		budget.EnvDay, budget.EnvNotebook, budget.EnvHour,
		s3.EnvVolumeID, s3.EnvDataCenter, s3.EnvAccessKey, s3.EnvSecretKey, s3.EnvBucket,
	}
}

// configMagic shows the settings in effect and where each comes from.
func configMagic() magic.Magic {
	return &command[noOptions]{
		name: "runpod_config", kind: magic.Line,
		summary: "show which endpoint, key, volume and store are in force, and where each comes from",
		about:   "The environment has priority over the file .env, that over the keyring, and that over\nthe key in ~/.runpod/config.toml; %env NAME=value sets it for this session. Keys are never shown.",
		run: func(ctx context.Context, c *magic.Call, _ *noOptions, args []string) error {
			if len(args) > 0 {
				return usage("%q: runpod_config takes no argument; %%env NAME=value sets a variable", args[0])
			}
			place, where, err := locate(c.Out.Stderr(), "")
			if err != nil {
				where = err.Error()
			}
			t := render.Table{Caption: where, Header: []string{"variable", "value", "from"}, Left: []string{"variable", "value", "from"}}
			set, _ := settings.Read(".env") // locate has reported what is wrong in it
			for _, s := range set.Show(configShows()...) {
				t.Rows = append(t.Rows, []string{s.Name, s.Value, string(s.From)})
			}
			if place.Endpoint != nil {
				t.Rows = append(t.Rows, []string{"address", place.Client().BaseURL(), ""})
			}
			kept := "none: runs are not kept"
			if store := runs.FromEnv(); store != nil {
				_, all, err := store.List(ctx, runs.Filter{Limit: 1})
				if kept = plural(all, "run"); err != nil {
					kept = err.Error()
				}
			}
			t.Rows = append(t.Rows, []string{"run store", kept, ""})
			b := t.Bundle()
			c.Out.Display(b)
			return nil
		},
	}
}
