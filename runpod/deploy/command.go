package deploy

import (
	"context"
	"fmt"
	"io"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/settings"
	"github.com/gopherpod/gopherpod/runpod/store/s3"
)

// Run runs the command deploy. It makes a plan, prints it, and applies it unless
// Options.DryRun; then it writes the endpoint's id to the file .env. The key comes from
// package settings and is never shown. Errors are one line that includes the next step.
func Run(ctx context.Context, o Options, out io.Writer) error {
	err := run(ctx, o, out)
	if err != nil && ctx.Err() != nil {
		return &Problem{text: "interrupted; what was made stays, and the same command goes on from there", err: context.Cause(ctx)}
	}
	return Explain(err)
}

func run(ctx context.Context, o Options, out io.Writer) error {
	client, _, err := connect()
	if err != nil {
		return err
	}
	if o.Addresses, err = bucketAddresses(); err != nil {
		return err
	}
	p, err := NewPlan(ctx, client.Management(), o)
	if err != nil {
		return err
	}
	fmt.Fprint(out, p)
	if o.DryRun {
		fmt.Fprintln(out, "dry run: nothing was changed")
		return nil
	}
	id, err := p.Apply(ctx, client, out)
	if id == "" {
		return err
	}
	// Write the id even if the check failed: the endpoint exists and must not be lost.
	if writeErr := settings.Write(".env", runpod.EnvEndpointID, string(id)); writeErr != nil {
		return writeErr
	}
	fmt.Fprintf(out, ".env: %s=%s\n", runpod.EnvEndpointID, id)
	if set, _ := settings.Read(".env"); set.From(runpod.EnvEndpointID) == settings.Environment && set.Get(runpod.EnvEndpointID) != string(id) {
		fmt.Fprintf(out, "the environment has another %s, which wins over .env: unset it\n", runpod.EnvEndpointID)
	}
	return err
}

// bucketAddresses returns the addresses that workers must be allowed to use if the
// environment names a bucket for data.
func bucketAddresses() (string, error) {
	config, ok, err := s3.BucketFromEnv()
	if err != nil || !ok {
		return "", err
	}
	b, err := s3.New(config)
	if err != nil {
		return "", err
	}
	return s3.Signed{Bucket: b}.Rule(), nil
}

// connect returns a client with the settings of the environment and .env.
func connect() (*runpod.Client, runpod.Config, error) {
	config, err := runpod.FromEnv()
	switch {
	case err != nil:
		return nil, config, err
	case config.APIKey == "":
		return nil, config, wrong("there is no %s; make a key at https://console.runpod.io/user/settings and put it into .env or the environment", runpod.EnvAPIKey)
	case (config.BaseURL == "") != (config.ManagementURL == ""):
		return nil, config, wrong("of %s and %s one is set, so that they lead to different services; set both or neither", runpod.EnvBaseURL, runpod.EnvManagementURL)
	}
	client, err := runpod.New(config)
	return client, config, err
}
