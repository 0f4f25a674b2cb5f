// Package celltest reads the test files of notebook cells and turns Go programs
// into cells. The tests of package cell and those that run cells for real share it.
//
// A file of cells has one cell after the other, separated by lines "%%". In a cell
//
//	//want text   the output, joined by single spaces, contains text
//	#int N        on the first line: interrupt the cell N milliseconds after its start
//
// A cell without //want must not fail. The output is everything that the user sees:
// streams, results, displays, errors, warnings.
package celltest

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"
)

// A Cell is one cell of a file.
type Cell struct {
	N         int // counted from 1
	Source    string
	Want      string
	Interrupt time.Duration // 0: none
}

// A File is a file of cells.
type File struct {
	Name  string // without folder and extension
	Cells []Cell
}

// Parse reads a file of cells.
func Parse(name, text string) (File, error) {
	f := File{Name: strings.TrimSuffix(path.Base(name), path.Ext(name))}
	for i, src := range sections(text) {
		c := Cell{N: i + 1, Source: src}
		if rest, ok := strings.CutPrefix(src, "#int "); ok {
			ms, body, _ := strings.Cut(rest, "\n")
			n, err := strconv.Atoi(strings.TrimSpace(ms))
			if err != nil {
				return f, fmt.Errorf("%s: cell %d: bad #int %q", name, c.N, ms)
			}
			c.Interrupt, c.Source = time.Duration(n)*time.Millisecond, body
		}
		if _, want, ok := strings.Cut(c.Source, "//want "); ok {
			want, _, _ = strings.Cut(want, "\n")
			c.Want = strings.TrimSpace(want)
		}
		f.Cells = append(f.Cells, c)
	}
	return f, nil
}

// sections cuts a text at the lines "%%".
func sections(text string) []string {
	var out []string
	var lines []string
	for _, l := range append(strings.Split(text, "\n"), "%%") {
		if l == "%%" {
			out = append(out, strings.Join(lines, "\n"))
			lines = nil
			continue
		}
		lines = append(lines, l)
	}
	return out
}

// ParseDir reads all *.txt of a folder. It fails if there is none.
func ParseDir(fsys fs.FS, dir string) ([]File, error) {
	names, err := fs.Glob(fsys, path.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no files of cells in %s", dir)
	}
	var out []File
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		f, err := Parse(name, string(text))
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// Match reports whether output satisfies the cell's want.
func (c Cell) Match(output string) bool {
	return strings.Contains(strings.Join(strings.Fields(output), " "), c.Want)
}
