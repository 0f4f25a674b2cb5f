// Package terminal is the command line: one cobra.Command for each word after
// "gopherpod". Progress and messages go to stderr, results to stdout (as JSON for
// programs), and the exit code says what happened.
//
// Commands that run a magic (train, eval, runs, ...) take its options, with files instead
// of variables, and share the notebooks' run store. Options that only make sense in a
// notebook are refused.
//
//	terminal.go   Program: runs a command line; exit codes
//	help.go       help, usage, unknown commands and options
//	magic.go      the commands that run a magic
//	commands.go   these commands, their help and their options
//	files.go      files instead of a magic's variables
//	answer.go     what a magic leaves: JSON and files
//	install.go    install, uninstall, doctor
//	clean.go      clean: what is on the disk, and what of it goes
//	kernel.go     kernel, embedded, data, local: what serves others
//	account.go    deploy, endpoint, store, key
//	model.go      export, check
//	complete.go   completion in shells
package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/dataset"
	"github.com/gopherpod/gopherpod/runpod/deploy"
	"github.com/gopherpod/gopherpod/runpod/settings"
	"github.com/gopherpod/gopherpod/runpod/settings/keyring"
	"github.com/gopherpod/gopherpod/runpod/train"
)

// Exit codes.
const (
	OK          = 0
	Failed      = 1   // the job failed, or a file could not be written
	Usage       = 2   // the command line, the specification or the data are wrong
	Overtime    = 3   // the job reached its --timeout or --max-cost, and -o has the weights so far; or a budget refused it
	Unreachable = 4   // no endpoint, it refuses the key, or no worker takes the job within --queue-timeout
	Interrupted = 130 // the job is cancelled; -o has the weights so far, if the endpoint returned them
)

// A Program runs command lines.
type Program struct {
	Source         fs.FS // our own source, which cells are compiled from
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// begin starts the services that magics use; nil means surroundings.
	begin func(ctx context.Context) (env []string, stop func(), err error)
	again chan struct{} // closed by the second interrupt
}

// Run runs one command line, without the program's name, and returns the exit code.
func (p *Program) Run(ctx context.Context, args []string) int {
	if len(args) > 0 && args[0] == "__complete" {
		return p.complete(ctx, args[1:])
	}
	root := p.Root()
	root.SetArgs(args)
	c, err := root.ExecuteContextC(ctx)
	if err == nil {
		return OK
	}
	var told *exitError
	if errors.As(err, &told) {
		return told.code
	}
	fmt.Fprintf(p.Stderr, "%s: %v\n", c.CommandPath(), err)
	return code(ctx, err)
}

// Root returns the tree of commands.
func (p *Program) Root() *cobra.Command {
	cobra.EnableCommandSorting = false
	root := &cobra.Command{
		Use:   "gopherpod",
		Short: "Go notebooks that train models on serverless GPUs",
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			return unknownCommand(c, args[0])
		},
		Version:       version(),
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	root.SetVersionTemplate("gopherpod {{.Version}}\n")
	root.SetHelpFunc(help)
	root.SetFlagErrorFunc(optionError)
	root.AddGroup(&cobra.Group{ID: groupTrain, Title: "Train and use models"}, &cobra.Group{ID: groupAccount, Title: "Endpoints and keys"},
		&cobra.Group{ID: groupInstall, Title: "Install and check"})
	for _, m := range magicCommands() {
		add(root, groupTrain, p.magicCommand(m))
	}
	add(root, groupTrain, exportCommand())
	add(root, groupAccount, p.deployCommand(), p.endpointCommand(), p.storeCommand(), p.keyCommand(), p.localCommand())
	add(root, groupInstall, p.installCommand(), uninstallCommand(), p.doctorCommand(), p.cleanCommand(), checkCommand(), completionCommand(), versionCommand(), helpCommand(), p.kernelCommand())
	add(root, "", p.embeddedCommand(), p.dataCommand())
	return root
}

const (
	groupTrain   = "train"
	groupAccount = "account"
	groupInstall = "install"
)

// add adds commands whose help shows the options in the order of their definition.
func add(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = group
		c.Flags().SortFlags = false
		c.DisableFlagsInUseLine = true
		if c.Args == nil {
			c.Args = exactly(0)
		}
		root.AddCommand(c)
		if c.Name() == "help" {
			root.SetHelpCommand(c)
		}
	}
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Example: "gopherpod version",
		RunE: func(c *cobra.Command, _ []string) error {
			fmt.Fprintln(c.OutOrStdout(), "gopherpod", version())
			return nil
		},
	}
}

// version returns the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}

// An exitError is an error that has been reported: only the exit code is left.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// usage returns an error for a mistake in the command line.
func usage(format string, args ...any) error {
	return &magic.UsageError{Msg: fmt.Sprintf(format, args...)}
}

// code returns the exit code for an error.
func code(ctx context.Context, err error) int {
	var wrong *magic.UsageError
	var cut *train.InterruptedError
	var job *runpod.JobError
	var request *runpod.Error
	var data *train.DataError
	var table *dataset.Error
	var problem *deploy.Problem
	switch {
	case errors.As(err, &wrong):
		return Usage
	case ctx.Err() != nil || errors.As(err, &cut):
		return Interrupted
	case errors.Is(err, magics.ErrOvertime), errors.Is(err, budget.ErrRefused):
		return Overtime
	case errors.As(err, &job):
		return Failed
	case errors.Is(err, train.ErrNoEndpoint), errors.Is(err, runpod.ErrQueueTimeout), errors.Is(err, runpod.ErrUnreachable), errors.Is(err, runpod.ErrUnauthorized), errors.Is(err, runpod.ErrForbidden),
		errors.Is(err, runpod.ErrNotFound) && errors.As(err, &request) && request.JobID == "":
		return Unreachable
	case errors.As(err, &data), errors.As(err, &table), errors.As(err, &problem) && problem.Unwrap() == nil:
		return Usage
	}
	return Failed
}

// interruptible returns a context that the first interrupt cancels. The second
// closes Program.again, the third exits the process.
func (p *Program) interruptible(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	p.again = make(chan struct{})
	signals := make(chan os.Signal, 3)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel(errInterrupted)
		<-signals
		close(p.again)
		<-signals
		os.Exit(Interrupted)
	}()
	return ctx, func() { signal.Stop(signals); cancel(nil) }
}

var errInterrupted = errors.New("interrupted")

// keyWait is how long a command waits for a keyring that is locked.
const keyWait = 3 * time.Second

// loadKeys takes secrets from the keyring that neither the environment nor .env has.
func (p *Program) loadKeys(ctx context.Context) {
	set, _ := settings.Read(".env") // whoever needs a variable reports what is wrong in it
	if err := keyring.Load(ctx, keyWait, set); err != nil {
		fmt.Fprintln(p.Stderr, "gopherpod:", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}
