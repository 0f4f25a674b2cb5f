package notebook

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/cell"
)

// maxListed bounds the lists in a message.
const maxListed = 20

// NameList lists names on one line: a, b, c and 4 more.
func NameList(names []cell.Name) string {
	var out []string
	for i, n := range names {
		if i == maxListed {
			return strings.Join(out, ", ") + fmt.Sprintf(" and %d more", len(names)-maxListed)
		}
		out = append(out, n.Name)
	}
	return strings.Join(out, ", ")
}

// CellList lists the cells that defined names, in order: In[1], In[2] and
// In[5].
func CellList(names []cell.Name) string {
	var cells []int
	for _, n := range names {
		cells = append(cells, n.Cell)
	}
	slices.Sort(cells)
	var out []string
	for _, n := range slices.Compact(cells) {
		out = append(out, fmt.Sprintf("In[%d]", n))
	}
	if len(out) > maxListed {
		out = append(out[:maxListed], fmt.Sprintf("%d more", len(out)-maxListed))
	}
	if n := len(out); n > 1 {
		return strings.Join(out[:n-1], ", ") + " and " + out[n-1]
	}
	return strings.Join(out, "")
}
