package sweep

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/worker"
)

// A searcher chooses the points of a sweep. What it chooses for trial n depends only
// on the seed and the values of the first trials, never on which others happen to be
// over. So a sweep is repeatable, whatever its workers' speed.
type searcher interface {
	// needs returns how many of the first trials have to be over before trial n is
	// chosen.
	needs(n int) int
	// point chooses the point of trial n from the values of the first needs(n)
	// trials. The value of a failed trial is +Inf. It is called once for each n, one
	// call at a time.
	point(n int, values []float64) Point
}

// lag returns how many of the trials just before a trial its choice ignores: twice the
// number that run at the same time, so that one slow trial does not make the other
// workers wait.
func lag(workers int) int { return 2 * (workers - 1) }

// fixed are points that do not depend on results.
type fixed []Point

func (f fixed) needs(int) int                  { return 0 }
func (f fixed) point(n int, _ []float64) Point { return f[n] }

// at returns the point at u, which has a number from 0 to 1 for each dimension.
func at(space []Dimension, u []float64) Point {
	p := Point{}
	for i, d := range space {
		p[d.Name] = d.At(u[i])
	}
	return p
}

// wantsNumbers returns an error if a dimension has choices without an order.
func wantsNumbers(space []Dimension, method string) error {
	for _, d := range space {
		for _, c := range d.Choices {
			if s, ok := c.(string); ok {
				return worker.Invalid("space", fmt.Sprintf("%s has the choice %q, and %s wants numbers; %s takes words too", d.Name, s, method, MethodTPE))
			}
		}
		if len(d.Choices) > 1 && !slices.IsSortedFunc(d.Choices, func(a, b any) int {
			return int(math.Copysign(1, asFloat(a)-asFloat(b)))
		}) {
			return worker.Invalid("space", fmt.Sprintf("%s has choices out of order, and %s wants them from small to large: %s", d.Name, method, strings.Trim(fmt.Sprint(d.Choices), "[]")))
		}
	}
	return nil
}
