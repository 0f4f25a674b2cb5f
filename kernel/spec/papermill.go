package spec

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed papermill/pyproject.toml papermill/gopherpod_papermill.py
var papermill embed.FS

// ErrPython is the error for a Python interpreter in which the package could not be installed.
var ErrPython = errors.New("spec: the papermill translator could not be installed")

// InstallPapermill installs the package that lets papermill pass parameters to Go
// notebooks (papermill -p) for a Python interpreter. It needs no network and
// writes two things into the interpreter's site-packages: the module, and the
// metadata by which papermill finds it. papermill itself need not be there yet.
func InstallPapermill(ctx context.Context, python string) error {
	site, err := sitePackages(ctx, python)
	if err != nil {
		return err
	}
	module, err := papermill.ReadFile("papermill/gopherpod_papermill.py")
	if err != nil {
		return fmt.Errorf("spec: %w", err)
	}
	dist := filepath.Join(site, distInfo)
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return fmt.Errorf("%w: %w", ErrPython, err)
	}
	for path, text := range map[string]string{
		filepath.Join(site, "gopherpod_papermill.py"): string(module),
		filepath.Join(dist, "METADATA"):               "Metadata-Version: 2.1\nName: gopherpod-papermill\nVersion: 1.0\nSummary: Teaches papermill to write parameters in Go\n",
		filepath.Join(dist, "entry_points.txt"):       "[papermill.engine]\ngopherpod = gopherpod_papermill:Engine\n",
		filepath.Join(dist, "INSTALLER"):              "gopherpod\n",
		filepath.Join(dist, "RECORD"): "gopherpod_papermill.py,,\n" + distInfo + "/METADATA,,\n" +
			distInfo + "/entry_points.txt,,\n" + distInfo + "/INSTALLER,,\n" + distInfo + "/RECORD,,\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return fmt.Errorf("%w: %w", ErrPython, err)
		}
	}
	return nil
}

const distInfo = "gopherpod_papermill-1.0.dist-info"

// UninstallPapermill removes what InstallPapermill wrote.
func UninstallPapermill(ctx context.Context, python string) error {
	site, err := sitePackages(ctx, python)
	if err != nil {
		return err
	}
	err = os.RemoveAll(filepath.Join(site, distInfo))
	if gone := os.Remove(filepath.Join(site, "gopherpod_papermill.py")); err == nil && !errors.Is(gone, os.ErrNotExist) {
		err = gone
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPython, err)
	}
	return nil
}

// sitePackages asks an interpreter where it keeps its packages.
func sitePackages(ctx context.Context, python string) (string, error) {
	cmd := exec.CommandContext(ctx, python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrPython, python, err)
	}
	site := strings.TrimSpace(string(out))
	if !filepath.IsAbs(site) {
		return "", fmt.Errorf("%w: %s names %q as its folder", ErrPython, python, site)
	}
	return site, nil
}
