package build

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Embedded lists the files below dir that match a pattern of a go:embed directive, as
// slash-separated paths relative to dir. Its rules and errors are those of the go command.
func Embedded(dir, pattern string) (files []string, err error) {
	glob, all := strings.CutPrefix(pattern, "all:")
	if _, err := path.Match(glob, ""); err != nil || glob != "." && !fs.ValidPath(glob) {
		return nil, errors.New("invalid pattern syntax")
	}
	matches, err := filepath.Glob(quoteGlob(dir) + string(filepath.Separator) + filepath.FromSlash(glob))
	if err != nil {
		return nil, err
	}
	if len(matches) == 0 {
		return nil, errors.New("no matching files found")
	}
	for _, m := range matches {
		found, err := embeddedAt(dir, m, all)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, errors.New("no matching files found")
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

func quoteGlob(dir string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(dir)
}

// embeddedAt lists the file that match names or, if match is a folder, the files in it.
func embeddedAt(dir, match string, all bool) (files []string, err error) {
	rel := func(file string) string {
		r, err := filepath.Rel(dir, file)
		if err != nil {
			return file
		}
		return filepath.ToSlash(r)
	}
	info, err := os.Lstat(match)
	if err != nil {
		return nil, err
	}
	what := "file"
	if info.IsDir() {
		what = "directory"
	}
	for d := match; len(d) > len(dir) && info.IsDir(); d = filepath.Dir(d) {
		if isFile(filepath.Join(d, "go.mod")) {
			return nil, fmt.Errorf("cannot embed %s %s: in different module", what, rel(match))
		}
	}
	if slices.Contains([]string{".git", ".bzr", ".hg", ".svn"}, info.Name()) {
		return nil, fmt.Errorf("cannot embed %s %s: invalid name %s", what, rel(match), info.Name())
	}
	switch {
	case info.Mode().IsRegular():
		return []string{rel(match)}, nil
	case !info.IsDir():
		return nil, fmt.Errorf("cannot embed irregular file %s", rel(match))
	}
	err = filepath.WalkDir(match, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		hidden := strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
		switch {
		case file != match && hidden && (!all || name == ".git"):
			if d.IsDir() {
				return fs.SkipDir
			}
		case d.IsDir() && file != match && isFile(filepath.Join(file, "go.mod")):
			return fs.SkipDir
		case d.Type().IsRegular():
			files = append(files, rel(file))
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("cannot embed directory %s: contains no embeddable files", rel(match))
	}
	return files, err
}

// embedcfg writes the file that tells the compiler which files each pattern matches.
func embedcfg(in Input) (string, error) {
	cfg := struct {
		Patterns map[string][]string
		Files    map[string]string
	}{in.Embeds, map[string]string{}}
	for _, list := range in.Embeds {
		for _, f := range list {
			cfg.Files[f] = filepath.Join(in.EmbedDir, filepath.FromSlash(f))
		}
	}
	b, err := json.Marshal(cfg)
	if err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	name := filepath.Join(in.Dir, "embedcfg")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	return name, nil
}
