package terminal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/history"
	"github.com/gopherpod/gopherpod/kernel/setup"
	"github.com/gopherpod/gopherpod/kernel/spec"
	"github.com/gopherpod/gopherpod/runpod/runs/sqlite"
	"github.com/gopherpod/gopherpod/runpod/settings"
)

func prefixFlag(c *cobra.Command) {
	c.Flags().String("prefix", "", "install under `DIR` (DIR/share/...) instead of the user's own folders")
	_ = c.MarkFlagDirname("prefix")
}

func (p *Program) installCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "install [options]", Short: "Register the kernel with Jupyter and compile ahead what cells need",
		Example: "gopherpod install\ngopherpod install --papermill python3",
		RunE:    p.install,
	}
	prefixFlag(c)
	c.Flags().String("mode", "", "build cells in `MODE` fast or classic, not in the fastest that works here")
	c.Flags().Bool("torch", false, "also make a virtual environment with PyTorch for CPUs, with which the embedded endpoint runs models in Python")
	c.Flags().String("papermill", "", "also teach the papermill of this `PYTHON` to pass parameters to Go notebooks")
	_ = c.RegisterFlagCompletionFunc("mode", cobra.FixedCompletions([]string{string(build.Fast), string(build.Classic)}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func layout(c *cobra.Command) (setup.Layout, error) {
	prefix, err := c.Flags().GetString("prefix")
	if err != nil || prefix == "" {
		return setup.Find(), err
	}
	prefix, err = filepath.Abs(prefix)
	return setup.Layout{Prefix: prefix}, err
}

func (p *Program) install(c *cobra.Command, _ []string) error {
	mode, _ := c.Flags().GetString("mode")
	if mode != "" && mode != string(build.Fast) && mode != string(build.Classic) {
		return usage("--mode: want fast or classic, got %s", mode)
	}
	l, err := layout(c)
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	done, err := setup.Install(c.Context(), setup.Options{
		Layout:   l,
		Mode:     build.Mode(mode),
		Program:  program,
		Sources:  p.Source,
		Progress: progress(p.Stdout),
	})
	if _, ok := errors.AsType[*build.NewerGoError](err); ok {
		fmt.Fprintf(p.Stdout, "    the installed Go is newer than the one that built gopherpod: building gopherpod again\n")
		if err := setup.Rebuild(c.Context(), l, program); err != nil {
			return err
		}
		return syscall.Exec(program, os.Args, os.Environ())
	}
	if err != nil {
		return err
	}
	defer done.Host.Close()
	if python, _ := c.Flags().GetString("papermill"); python != "" {
		if err := spec.InstallPapermill(c.Context(), python); err != nil {
			return err
		}
	}
	if torch, _ := c.Flags().GetBool("torch"); torch {
		path, err := setup.InstallTorch(c.Context(), l, progress(p.Stdout))
		if err != nil {
			return err
		}
		defer fmt.Fprintf(p.Stdout, "PyTorch:  %s\n", path)
	}
	used, reason := done.Host.Mode()
	fmt.Fprintf(p.Stdout, "kernel:   %s\npackages: %d compiled ahead, cells in %s mode", done.Kernelspec, len(done.Host.Packages()), used)
	if reason != "" {
		fmt.Fprintf(p.Stdout, " (%s)", reason)
	}
	fmt.Fprintln(p.Stdout)
	return nil
}

// progress prints what happens. On a terminal that can erase a line, the count of
// compiled packages stays on one line; elsewhere every hundredth is printed.
func progress(out io.Writer) func(string) {
	redraw := isTerminal(out) && os.Getenv("TERM") != "dumb"
	counting := false
	return func(line string) {
		var n int
		_, err := fmt.Sscanf(line, "compiled %d packages", &n)
		switch {
		case err == nil && redraw:
			fmt.Fprintf(out, "\r\033[K    %.72s", line)
		case err == nil:
			if n%100 == 0 {
				fmt.Fprintf(out, "    compiled %d packages\n", n)
			}
		case counting && redraw:
			fmt.Fprintf(out, "\r\033[K    %s\n", line)
		default:
			fmt.Fprintf(out, "    %s\n", line)
		}
		counting = err == nil
	}
}

func uninstallCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "uninstall [options]", Short: "Remove the kernel and what was compiled for it", Example: "gopherpod uninstall",
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := layout(c)
			if err != nil {
				return err
			}
			return setup.Uninstall(l)
		},
	}
	prefixFlag(c)
	return c
}

func (p *Program) doctorCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "doctor [options]", Short: "Check what the kernel needs and tell how to fix it",
		Long:    "The exit code is 1 if something that the kernel needs is missing.",
		Example: "gopherpod doctor",
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := layout(c)
			if err != nil {
				return err
			}
			p.loadKeys(c.Context())
			checks := append(setup.Doctor(c.Context(), l), checkKey(),
				setup.CheckDatabase("history", history.DefaultPath(), "set XDG_STATE_HOME to a folder on a disk of this machine"),
				setup.CheckDatabase("recorded runs", sqlite.DefaultPath(), "set "+sqlite.EnvPath+" to a file on a disk of this machine"))
			return doctor(checks, c.OutOrStdout())
		},
	}
	prefixFlag(c)
	return c
}

// checkKey reports where the key of the user's RunPod account comes from. Trainings on
// this machine do not need one.
func checkKey() setup.Check {
	c := setup.Check{Name: "RunPod key", Optional: true}
	set, err := settings.Read(".env")
	switch from := set.From(settings.EnvAPIKey); {
	case err != nil:
		c.Detail, c.Mend = err.Error(), "correct or remove the file"
	case from == "":
		c.Detail = settings.EnvAPIKey + " is not set: trainings run on this machine"
		c.Mend = "to use RunPod, make a key at https://console.runpod.io/user/settings, then gopherpod key set; or set it in the environment or .env"
	default:
		c.OK, c.Detail = true, fmt.Sprintf("%s, from %s", settings.EnvAPIKey, from.In())
	}
	return c
}

func doctor(checks []setup.Check, out io.Writer) error {
	broken := 0
	for _, c := range checks {
		mark := "ok  "
		switch {
		case !c.OK && c.Optional:
			mark = "--  "
		case !c.OK:
			mark = "BAD "
			broken++
		}
		fmt.Fprintf(out, "%s %-18s %s\n", mark, c.Name, c.Detail)
		if c.Mend != "" {
			fmt.Fprintf(out, "     %-18s to fix: %s\n", "", c.Mend)
		}
	}
	if broken > 0 {
		return fmt.Errorf("%d of the things that the kernel needs are missing", broken)
	}
	return nil
}
