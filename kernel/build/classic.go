package build

import "context"

// classic links cells as ordinary plugins. A cell holds a copy of the library
// code it uses; the dynamic linker binds variables and types to the first copy
// in the process, which is the session program's.
type classic struct{ h *Host }

var _ Builder = (*classic)(nil)

// classicVersions keeps the compiler's temporaries and the cell's own hash
// local; the cell shares everything else with later cells.
const classicVersions = "{ local: nb..*; go?link.pkghash*.nb; };\n"

func (c *classic) Cell(ctx context.Context, in Input) (*Object, error) {
	return c.h.cell(ctx, in, c.linkage())
}

func (c *classic) Library(ctx context.Context, dir, path string, pkgs []string) (*Object, error) {
	return c.h.bundle(ctx, dir, path, pkgs, "", "func main() {}\n", c.linkage())
}

func (c *classic) linkage() linkage {
	return linkage{versions: classicVersions, args: func(_, _, cfg string) ([]string, error) { return []string{"-importcfg", cfg}, nil }}
}
