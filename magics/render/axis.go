package render

import (
	"cmp"
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// Values that an axis can show. Beyond largest, differences of two values would
// overflow; below smallest, steps of an axis would underflow to zero.
const (
	largest  = 1e300
	smallest = 1e-300
)

// maxTicks bounds the ticks of an axis. Round steps give at most 13.
const maxTicks = 20

// drawable reports whether x has a place on an axis: it is finite.
func drawable(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// within returns x, limited to the values that an axis shows.
func within(x float64) float64 { return max(-largest, min(x, largest)) }

// span returns the range of an axis for values from lo to hi: never empty, and wide
// enough that float64 tells its ticks apart. A flat line runs in the middle.
func span(lo, hi float64) (from, to float64) {
	if !(lo <= hi) { // no values, or NaN
		return 0, 1
	}
	lo, hi = within(lo), within(hi)
	magnitude := max(math.Abs(lo), math.Abs(hi))
	if hi-lo > max(1e-9*magnitude, smallest) {
		return lo, hi
	}
	pad := max(0.5, magnitude/20)
	return within(lo - pad), within(hi + pad)
}

// logarithmic reports whether a logarithmic axis suits values from lo to hi: a linear
// one would press most of the curve onto the floor.
func logarithmic(lo, hi float64) bool { return lo >= smallest && hi <= largest && hi/lo >= 100 }

// multiples returns the first k for which k*step is in the range lo to hi, and the
// number of such k, at most maxTicks.
func multiples(lo, hi, step float64) (first float64, n int) {
	first = math.Ceil(lo / step)
	count := math.Floor(hi/step+1e-12*math.Abs(hi/step)) - first + 1
	if !(count >= 1) { // also NaN
		return first, 0
	}
	return first, int(min(count, maxTicks))
}

// niceStep returns the smallest number that is 1, 2 or 5 times a power of ten and
// not below x.
func niceStep(x float64) float64 {
	if !(x >= smallest) || math.IsInf(x, 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= x*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// wholeTicks are ticks at whole numbers.
type wholeTicks struct{}

func (wholeTicks) Ticks(lo, hi float64) []plot.Tick {
	step := math.Max(1, niceStep((hi-lo)/5))
	var out []plot.Tick
	add := func(v float64) {
		label := strconv.FormatFloat(v, 'f', 0, 64)
		if math.Abs(v) >= 1e9 {
			label = distinct(v, step)
		}
		out = append(out, plot.Tick{Value: v, Label: label})
	}
	if first := math.Ceil(lo); math.Mod(first, step) != 0 && first <= hi {
		add(first)
	}
	first, n := multiples(lo, hi+1e-9, step)
	for i := range n {
		v := (first + float64(i)) * step
		if len(out) == 1 && v-out[0].Value < 0.45*step && out[0].Value != v {
			continue // would touch the label of the first epoch
		}
		add(v)
	}
	return out
}

// ticks are at round numbers, with enough digits to tell them apart.
type ticks struct{ percent bool }

func (t ticks) Ticks(lo, hi float64) []plot.Tick {
	scale, unit := 1.0, ""
	if t.percent {
		scale, unit = 100, " %"
	}
	step := niceStep((hi - lo) * scale / 5)
	digits := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	var out []plot.Tick
	first, n := multiples(lo*scale, hi*scale, step)
	for i := range n {
		v := (first+float64(i))*step + 0 // + 0: no "-0"
		label := ""
		if digits > 4 || math.Abs(v) >= 1e6 {
			label = distinct(v, step)
		} else {
			label = strconv.FormatFloat(v, 'f', digits, 64)
		}
		out = append(out, plot.Tick{Value: v / scale, Label: label + unit})
	}
	return out
}

// distinct writes v with three significant digits, or as many more as it takes to
// differ from its neighbour at v+step.
func distinct(v, step float64) string {
	digits := 1
	if v != 0 {
		digits = int(math.Floor(math.Log10(math.Abs(v))+1e-9)-math.Floor(math.Log10(step)+1e-9)) + 1
	}
	return strconv.FormatFloat(v, 'g', min(max(digits, 3), 17), 64)
}

// logTicks are ticks at powers of ten and, if those are few, unlabelled ones between
// them. At most about a dozen have labels.
type logTicks struct{}

func (logTicks) Ticks(lo, hi float64) []plot.Tick {
	if !(lo > 0 && hi >= lo) || math.IsInf(hi, 0) {
		return nil
	}
	first, last := int(math.Log10(lo)), int(math.Ceil(math.Log10(hi)))
	every := cmp.Or((last-first+11)/12, 1)
	var out []plot.Tick
	for e := first; e <= last; e += every {
		v := math.Pow10(e)
		out = append(out, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'g', 3, 64)})
		for m := 1; every == 1 && e < last && m < 10; m++ {
			out = append(out, plot.Tick{Value: v * float64(m)})
		}
	}
	return out
}
