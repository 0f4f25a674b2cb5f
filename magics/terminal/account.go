package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/deploy"
	"github.com/gopherpod/gopherpod/runpod/settings/keyring"
)

// managing returns a function for cobra that calls run with the keys loaded. An
// interrupt stops run in an orderly way.
func (p *Program) managing(run func(ctx context.Context, args []string) error) func(c *cobra.Command, args []string) error {
	return func(c *cobra.Command, args []string) error {
		ctx, stop := p.interruptible(c.Context())
		defer stop()
		p.loadKeys(ctx)
		return p.after(ctx, c, run(ctx, args))
	}
}

func (p *Program) deployCommand() *cobra.Command {
	var o deploy.Options
	c := &cobra.Command{
		Use: "deploy [options]", Short: "Make or change the RunPod endpoint that runs the worker",
		Long:    "It says what it plans and what that costs, and writes RUNPOD_ENDPOINT_ID into .env. --dry-run changes nothing.",
		Example: "gopherpod deploy --dry-run\ngopherpod deploy --gpu ADA_24,AMPERE_24 --max-workers 3",
		RunE:    p.managing(func(ctx context.Context, _ []string) error { return deploy.Run(ctx, o, p.Stdout) }),
	}
	o.Flags(c.Flags())
	return c
}

func (p *Program) endpointCommand() *cobra.Command {
	var o deploy.EndpointOptions
	c := &cobra.Command{
		Use: "endpoint " + deploy.EndpointUsage + " [options]", Short: "List, show, scale or delete the account's endpoints; read their logs",
		Long:      "Without a name or an id it is the endpoint of RUNPOD_ENDPOINT_ID. An option begins with the word that it belongs to.",
		Example:   "gopherpod endpoint list\ngopherpod endpoint logs --follow\ngopherpod endpoint scale gopherpod --max 3\ngopherpod endpoint delete gopherpod --yes",
		Args:      atMost(2),
		ValidArgs: words(deploy.EndpointUsage),
		RunE:      p.managing(func(ctx context.Context, args []string) error { return deploy.RunEndpoint(ctx, o, args, p.Stdout) }),
	}
	o.Flags(c.Flags())
	return c
}

func (p *Program) storeCommand() *cobra.Command {
	var o deploy.StoreOptions
	c := &cobra.Command{
		Use: "store " + deploy.StoreUsage + " [options]", Short: "List or prune the data that were sent for jobs",
		Long: `The store is the network volume of RUNPOD_VOLUME_ID, the bucket of GOPHERPOD_BUCKET, or --dir. What a job that
waits or runs may need is kept.`,
		Example:   "gopherpod store list\ngopherpod store prune --unused 30d --dry-run",
		Args:      atMost(1),
		ValidArgs: words(deploy.StoreUsage),
		RunE:      p.managing(func(ctx context.Context, args []string) error { return deploy.RunStore(ctx, o, args, p.Stdout) }),
	}
	o.Flags(c.Flags())
	return c
}

// words returns the first words of a usage such as "list|prune [NAME]".
func words(usage string) []string {
	first, _, _ := strings.Cut(usage, " ")
	return strings.Split(first, "|")
}

func (p *Program) keyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "key set|delete|list [NAME]", Short: "Keep a secret in the system's keyring",
		Long: `NAME is RUNPOD_API_KEY by default. set reads the secret from the terminal or stdin, and nothing prints it. The
environment and .env are looked at before the keyring, ~/.runpod/config.toml after it.`,
		Example:   "gopherpod key set\ngopherpod key set RUNPOD_S3_SECRET_ACCESS_KEY <secret.txt\ngopherpod key list",
		Args:      atMost(2),
		ValidArgs: []string{"set", "delete", "list"},
		RunE:      func(c *cobra.Command, args []string) error { return p.key(c.Context(), args) },
	}
}

// key keeps a secret in the keyring, removes one, or lists their names.
func (p *Program) key(ctx context.Context, args []string) error {
	name := runpod.EnvAPIKey
	if len(args) == 2 {
		name = args[1]
	}
	switch {
	case len(args) > 0 && args[0] == "set":
		value, err := p.readSecret(name)
		if err != nil {
			return err
		}
		if err := keyring.Set(ctx, name, value); err != nil {
			return err
		}
		fmt.Fprintf(p.Stdout, "%s is in the keyring; the environment and .env go before it\n", name)
		return nil
	case len(args) > 0 && args[0] == "delete":
		return keyring.Delete(ctx, name)
	case len(args) == 1 && args[0] == "list":
		names, err := keyring.Names()
		for _, n := range names {
			fmt.Fprintln(p.Stdout, n)
		}
		return err
	}
	return usage("want set, delete or list, as in gopherpod key set")
}

// readSecret asks for a secret without showing it, or reads the first line of stdin.
func (p *Program) readSecret(name string) (string, error) {
	if f, ok := p.Stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintf(p.Stderr, "%s: ", name)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(p.Stderr)
		return strings.TrimSpace(string(b)), err
	}
	line, err := bufio.NewReader(io.LimitReader(p.Stdin, 64<<10)).ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return strings.TrimSpace(line), err
}
