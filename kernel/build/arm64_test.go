package build

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// TestArm64 makes a fast mode host for linux/arm64 with a cross compiler and runs its
// self-test under qemu: two cells that share types and variables.
func TestArm64(t *testing.T) {
	if os.Getenv("GOPHERPOD_E2E") == "" {
		t.Skip("set GOPHERPOD_E2E=1 to run it")
	}
	const cc, ld, qemu, root = "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-ld", "qemu-aarch64", "/usr/aarch64-linux-gnu"
	for _, tool := range []string{cc, ld, qemu} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	native, env, err := findToolchain(ctx)
	must(err)
	tc := *native
	tc.Arch, tc.CC = "arm64", cc
	tc.LD, err = exec.LookPath(ld)
	must(err)
	source, err := filepath.Abs("../..")
	must(err)
	p := &preparation{Options: Options{Source: source, Main: modulePath + "/kernel/session/plain", Lean: true, Packages: []string{"fmt"}, Progress: func(string) {}},
		tc: &tc, env: append(env, "GOARCH=arm64", "CC="+cc)}
	p.setRoots()
	dir := t.TempDir()
	m := &manifest{Format: manifestFormat, Mode: Fast, Go: tc, Source: source, Main: p.Main, Roots: p.roots}
	all, err := p.list(ctx)
	must(err)
	must(keepArchives(dir, m, all))
	must(os.WriteFile(filepath.Join(dir, "link.cfg"), importcfg(dir, m.Package), 0o644))
	here := &preparation{tc: native, env: env} // the program in front of the linker runs on this machine
	must(here.buildLD(ctx, dir))
	i := slices.IndexFunc(all, func(l listed) bool { return l.ImportPath == p.Main })
	must(p.linkFast(ctx, dir, m, all[i]))
	session := filepath.Join(dir, sessionName)
	must(os.Rename(session, session+".arm64"))
	must(os.WriteFile(session, fmt.Appendf(nil, "#!/bin/sh\nexec %s -L %s %s.arm64\n", qemu, root, session), 0o755))
	must(p.try(ctx, dir, m))
}
