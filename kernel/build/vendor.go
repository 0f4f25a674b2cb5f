package build

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	goversion "go/version"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// A vendoring is the state of a folder vendor/ that the go command would use for the
// user's module or workspace. Its modules are local modules of the notebook. They have
// no go.mod, and that of the user's module asks for versions that nobody may fetch: the
// go command gets a go.mod for each of them from an overlay, so that it needs neither the
// network nor the module cache for them.
type vendoring struct {
	dir     string            // folder that vendor/ is in; empty if no vendor/ is used
	work    string            // its go.work, if vendor/ is that of a workspace
	modules map[string]string // modules in vendor/ -> the Go version in their go.mod; also those that are loaded and no longer there
	fetched map[string]bool   // modules that %go get took from elsewhere
	changed map[string]bool   // modules whose copy in vendor/ is not what the session program holds -> whether that was reported
	own     map[string]bool   // the user's own modules
	read    *vendorStamp      // of what was read last; nil if it must be read again
}

// A vendorStamp is compared with a later one to see whether vendor/ must be read again.
type vendorStamp struct {
	dir        string
	list, root time.Time
	size       int64
}

// vendorDir returns the folder whose vendor/ the go command would use, by its rules: that
// of the workspace if there is one, and only if vendor/modules.txt says so; by default
// only if go.mod or go.work is of Go 1.14 or newer.
func (m *Modules) vendorDir(gomod, gowork string) (dir, root string, err error) {
	mode := m.userFlags().Mod
	if mode == "mod" || mode == "readonly" || gomod == "" && gowork == "" {
		return "", "", nil
	}
	version := ""
	if gowork != "" {
		root = gowork
		if b, err := os.ReadFile(root); err == nil {
			if f, err := modfile.ParseWork(root, b, nil); err == nil && f.Go != nil {
				version = f.Go.Version
			}
		}
	} else {
		root = gomod
		if b, err := os.ReadFile(root); err == nil {
			if f, err := modfile.ParseLax(root, b, nil); err == nil && f.Go != nil {
				version = f.Go.Version
			}
		}
	}
	dir = filepath.Dir(root)
	list := filepath.Join(dir, "vendor", "modules.txt")
	b, err := os.ReadFile(list)
	if errors.Is(err, os.ErrNotExist) && mode != "vendor" {
		return "", "", nil
	}
	if err != nil {
		return "", "", &FetchError{Text: fmt.Sprintf("GOFLAGS=-mod=vendor: %v; %%goflags -mod=mod builds without vendor/", err), Err: err}
	}
	ofWork := false
	if first, _, _ := strings.Cut(string(b), "\n"); strings.HasPrefix(first, "## ") {
		for entry := range strings.SplitSeq(first[3:], ";") {
			ofWork = ofWork || strings.TrimSpace(entry) == "workspace"
		}
	}
	if mode != "vendor" && (ofWork != (gowork != "") || version == "" || goversion.Compare("go"+version, "go1.14") < 0) {
		return "", "", nil
	}
	return dir, root, nil
}

// useVendor registers the modules of vendor/, if the go command would use it for the
// module gomod or the workspace gowork, and takes back those that are no longer there.
func (m *Modules) useVendor(gomod, gowork string) error {
	dir, root, err := m.vendorDir(gomod, gowork)
	if err != nil {
		return err
	}
	read := vendorStamp{dir: dir}
	if dir != "" {
		if i, err := os.Stat(filepath.Join(dir, "vendor", "modules.txt")); err == nil {
			read.list, read.size = i.ModTime(), i.Size()
		}
		if i, err := os.Stat(root); err == nil {
			read.root = i.ModTime()
		}
	}
	if m.vendor.read != nil && read == *m.vendor.read {
		return nil
	}
	listed := map[string]vendoredModule{}
	if dir != "" {
		b, err := os.ReadFile(filepath.Join(dir, "vendor", "modules.txt"))
		if err != nil {
			return &FetchError{Text: err.Error(), Err: err}
		}
		listed = vendored(string(b))
	}
	m.vendor.changed = map[string]bool{}
	m.vendor.dir, m.vendor.work = dir, ""
	if root == gowork {
		m.vendor.work = gowork
	}
	for mod := range maps.Clone(m.vendor.modules) {
		if _, ok := listed[mod]; !ok && !m.loadedOf(mod) {
			if err := m.unuse(mod); err != nil {
				return err
			}
			delete(m.vendor.modules, mod)
		}
	}
	for _, mod := range slices.Sorted(maps.Keys(listed)) {
		l, at := listed[mod], filepath.Join(dir, "vendor", filepath.FromSlash(mod))
		switch {
		case mod == modulePath || m.vendor.fetched[mod]:
			continue
		case m.held[mod] != "":
			if _, ok := m.wishes[mod]; !ok && l.version != "" {
				m.wishes[mod] = wish{filepath.Join(dir, "vendor", "modules.txt"), mod, l.version}
			}
			if l.version == m.held[mod] && m.h.differs(mod, at) {
				m.vendor.changed[mod] = false
			}
			continue
		case m.local[mod] != at: // if it is loaded from another folder, this counts as an edit
			if err := m.Use(mod, at); err != nil {
				return err
			}
		}
		m.vendor.modules[mod] = l.language
	}
	m.vendor.read = &read
	return m.writeOverlay()
}

// A vendoredModule is what vendor/modules.txt says of a module.
type vendoredModule struct{ version, language string }

// vendored returns the modules that have packages in vendor/, from its modules.txt.
func vendored(list string) map[string]vendoredModule {
	mods := map[string]vendoredModule{}
	mod, v := "", vendoredModule{}
	for l := range strings.Lines(list) {
		l = strings.TrimSpace(l)
		f := strings.Fields(l)
		switch {
		case strings.HasPrefix(l, "# "):
			mod, v = "", vendoredModule{language: oldestGo}
			if len(f) > 2 && semver.IsValid(f[2]) {
				mod, v.version = f[1], f[2]
			} else if len(f) > 2 && f[2] == "=>" {
				mod = f[1]
			}
		case strings.HasPrefix(l, "## "):
			for entry := range strings.SplitSeq(l[3:], ";") {
				if g, ok := strings.CutPrefix(strings.TrimSpace(entry), "go "); ok {
					v.language = g
				}
			}
		case len(f) == 1 && mod != "" && module.CheckImportPath(f[0]) == nil:
			mods[mod] = v
		}
	}
	return mods
}

// differs reports whether dir, a copy of a module, has other Go files for a package than
// those that the host was built from.
func (h *Host) differs(mod, dir string) bool {
	for p, f := range h.m.Package {
		if !within(p, mod) || f.Dir == "" {
			continue
		}
		at := filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(p, mod)))
		all, err := os.ReadDir(at)
		if err != nil {
			continue // the package is not in vendor/
		}
		for _, e := range all {
			name := e.Name()
			if !strings.HasSuffix(name, ".go") {
				continue
			}
			ours, err := os.ReadFile(filepath.Join(f.Dir, name))
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				continue
			}
			theirs, err := os.ReadFile(filepath.Join(at, name))
			if err == nil && !bytes.Equal(ours, theirs) {
				return true
			}
		}
	}
	return false
}

// tellChanged reports, once each, the modules whose copy in vendor/ is not used although
// it differs from what the session program holds.
func (m *Modules) tellChanged(progress func(string)) {
	for _, mod := range slices.Sorted(maps.Keys(m.vendor.changed)) {
		if progress != nil && !m.vendor.changed[mod] {
			m.vendor.changed[mod] = true
			progress(fmt.Sprintf("%s differs from %s %s, which is used, because it is part of the session program", filepath.Join(m.vendor.dir, "vendor", filepath.FromSlash(mod)), mod, m.held[mod]))
		}
	}
}

// oldestGo is the language version of modules whose go.mod names none, as in the go
// command.
const oldestGo = "1.16"

// loadedOf reports whether the session has loaded a package of a local module.
func (m *Modules) loadedOf(mod string) bool {
	for p := range m.stamps {
		if m.moduleOf(p) == mod {
			return true
		}
	}
	return false
}

// inVendor reports whether dir is the folder of a module in vendor/.
func (m *Modules) inVendor(dir string) bool {
	for mod := range m.vendor.modules {
		if m.local[mod] == dir {
			return true
		}
	}
	return false
}

// unuse is the opposite of Use.
func (m *Modules) unuse(path string) error {
	f, err := m.read()
	if err != nil {
		return err
	}
	if err := errors.Join(f.DropRequire(path), f.DropReplace(path, "")); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	for _, e := range slices.Clone(f.Exclude) {
		if e.Mod.Path == path {
			if err := f.DropExclude(path, e.Mod.Version); err != nil {
				return fmt.Errorf("build: %w", err)
			}
		}
	}
	delete(m.local, path)
	return m.write(f)
}

func (m *Modules) overlay() string { return strings.TrimSuffix(m.file, ".mod") + ".overlay.json" }

// command returns the arguments of a go command that uses the notebook's modules.
func (m *Modules) command(words ...string) []string {
	words = append(words, "-modfile="+m.file)
	if isFile(m.overlay()) {
		words = append(words, "-overlay="+m.overlay())
	}
	return words
}

// writeOverlay writes the go.mod of each module in vendor/, and one without
// requirements for each of the user's own modules.
func (m *Modules) writeOverlay() error {
	replace := map[string]string{}
	add := func(dir, text string) error {
		file := filepath.Join(filepath.Dir(m.file), fmt.Sprintf("vendored%d.mod", len(replace)))
		replace[filepath.Join(dir, "go.mod")] = file
		return os.WriteFile(file, []byte(text), 0o600)
	}
	for _, mod := range slices.Sorted(maps.Keys(m.vendor.modules)) {
		if err := add(m.local[mod], moduleFile(mod, m.vendor.modules[mod])); err != nil {
			return fmt.Errorf("build: %w", err)
		}
	}
	for mod := range m.vendor.own {
		if m.vendor.dir == "" {
			break
		}
		b, err := os.ReadFile(filepath.Join(m.local[mod], "go.mod"))
		if err != nil {
			return fmt.Errorf("build: %w", err)
		}
		version := oldestGo
		if f, err := modfile.ParseLax("go.mod", b, nil); err == nil && f.Go != nil {
			version = f.Go.Version
		}
		if err := add(m.local[mod], moduleFile(mod, version)); err != nil {
			return fmt.Errorf("build: %w", err)
		}
	}
	if len(replace) == 0 {
		if err := os.Remove(m.overlay()); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("build: %w", err)
		}
		return nil
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return os.WriteFile(m.overlay(), b, 0o600)
}

func moduleFile(path, version string) string {
	return fmt.Sprintf("module %s\n\ngo %s\n", modfile.AutoQuote(path), version)
}

// lookupDisabled matches the go command's error for a package that is not in vendor/.
var lookupDisabled = regexp.MustCompile(`(.*)cannot find (?:module providing )?package (\S+?):? import lookup disabled by -mod=vendor`)

// checkVendor returns the error that the go command has for these packages, if it takes
// them from vendor/: that one is missing there, or that vendor/ and go.mod do not agree.
// Nothing is fetched in place of a missing package: whoever keeps vendor/ wants to know
// what is compiled.
func (m *Modules) checkVendor(ctx context.Context, paths []string) error {
	if m.vendor.dir == "" {
		return nil
	}
	var check []string
	for _, p := range paths {
		p = m.Original(p)
		host, _, _ := strings.Cut(p, "/")
		free := !strings.Contains(host, ".") && m.dirOf(p) == "" || within(p, modulePath)
		for _, of := range []map[string]bool{m.chosen, m.vendor.fetched} {
			for mod := range of {
				free = free || within(p, mod)
			}
		}
		for mod := range m.held {
			free = free || within(p, mod)
		}
		if mod := m.moduleOf(p); mod != "" {
			_, inVendor := m.vendor.modules[mod]
			free = !inVendor && !m.vendor.own[mod] // C code, or another folder that was loaded before
		}
		if !free {
			check = append(check, p)
		}
	}
	if len(check) == 0 {
		return nil
	}
	dir, work := m.vendor.dir, "GOWORK=off"
	if m.vendor.work != "" {
		work = "GOWORK=" + m.vendor.work
	}
	_, err := m.runIn(ctx, dir, append(m.env(), work), nil, append([]string{"list", "-mod=vendor", tagsFlag(m.tags()), "-deps", "-f", "{{.ImportPath}}"}, check...)...)
	fe, ok := errors.AsType[*FetchError](err)
	if !ok {
		return err
	}
	vendor := filepath.Join(dir, "vendor")
	command := "go mod vendor"
	if m.vendor.work != "" {
		command = "go work vendor"
	}
	found := lookupDisabled.FindStringSubmatch(fe.Text)
	switch {
	case strings.HasPrefix(fe.Text, "inconsistent vendoring"):
		return &FetchError{Text: fmt.Sprintf("%s; !%s updates vendor/, %%goflags -mod=mod builds without it", fe.Text, command), Err: fe}
	case found != nil && slices.Contains(check, found[2]):
		return &FetchError{Text: fmt.Sprintf("it is not in %s, where packages are taken from here; %%go get %s fetches it for the cells, %%goflags -mod=mod builds without vendor/", vendor, found[2]), Err: fe}
	case found != nil:
		return &FetchError{Text: fmt.Sprintf("%spackage %s is not in %s; !%s adds it, %%goflags -mod=mod builds without vendor/", found[1], found[2], vendor, command), Err: fe}
	}
	return fe
}

// notVendored prepares a change of versions: modules of args that are in vendor/ are
// taken from elsewhere from now on.
func (m *Modules) notVendored(fresh bool, args []string) error {
	for _, a := range args {
		p, version, _ := strings.Cut(a, "@")
		mod := m.moduleOf(p)
		if _, ok := m.vendor.modules[mod]; !ok || version == "none" {
			continue
		}
		if m.loadedOf(mod) && !fresh {
			return &CollisionError{Module: mod, Held: "of " + filepath.Join(m.vendor.dir, "vendor"), Wanted: cmp.Or(version, "another version")}
		}
		if err := m.unuse(mod); err != nil {
			return err
		}
		delete(m.vendor.modules, mod)
		m.vendor.fetched[mod] = true
	}
	return m.writeOverlay()
}

// vendoredAgain takes modules from vendor/ again after %go get module@none.
func (m *Modules) vendoredAgain(args []string) {
	for _, a := range args {
		if p, version, _ := strings.Cut(a, "@"); version == "none" && m.vendor.fetched[p] {
			delete(m.vendor.fetched, p)
			delete(m.chosen, p)
			m.vendor.read = nil
		}
	}
}

// vendoringError turns what the go command says of a vendor/ that does not agree with
// go.mod into one line.
func vendoringError(lines []string) string {
	first, more := "", 0
	for _, l := range lines {
		l = strings.TrimSpace(strings.TrimPrefix(l, "go: "))
		switch {
		case strings.HasPrefix(l, "inconsistent vendoring"):
			first = l
		case first == "" || l == "" || strings.HasPrefix(l, "To "):
		case strings.HasSuffix(first, ":"):
			first += " " + l
		case strings.Contains(l, ": is "):
			more++
		}
	}
	if more > 0 {
		first += fmt.Sprintf(" (and %d more)", more)
	}
	return first
}
