package render

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Number writes a loss or a metric with four digits after the point, or with an
// exponent if those digits would all be 0: 0.1234, 12.3457, 3.142e-06.
func Number(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x):
		return "NaN"
	case math.IsInf(x, 0):
		return strconv.FormatFloat(x, 'g', -1, 64)
	case a != 0 && a < 0.001, a >= 1e6:
		return strconv.FormatFloat(x, 'e', 3, 64)
	default:
		return strconv.FormatFloat(x, 'f', 4, 64)
	}
}

// Short writes a number with three significant digits, for sentences and axes.
func Short(x float64) string {
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// Percent writes a share from 0 to 1 as "97.22 %".
func Percent(x float64) string {
	if math.IsNaN(x) {
		return "NaN"
	}
	return strconv.FormatFloat(100*x, 'f', 2, 64) + " %"
}

// Count writes an integer with commas between thousands.
func Count(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Duration writes a time for people: "25 ms", "0.4 s", "12 s", "3 min 20 s", "2 h 05 min".
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Duration(-max(d, -math.MaxInt64)) // -MinInt64 overflows
	case d < 100*time.Millisecond:
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 0, 64) + " ms"
	case d < 9950*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < 59500*time.Millisecond:
		return strconv.Itoa(int(math.Round(d.Seconds()))) + " s"
	case d < time.Hour:
		d = d.Round(time.Second)
		return strconv.Itoa(int(d/time.Minute)) + " min " + two(int(d%time.Minute/time.Second)) + " s"
	default:
		d = d.Round(time.Minute)
		return strconv.Itoa(int(d/time.Hour)) + " h " + two(int(d%time.Hour/time.Minute)) + " min"
	}
}

func two(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

// Operations writes a number of floating-point operations: "3.2 GFLOP".
func Operations(n float64) string {
	units := []string{"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP"}
	u := 0
	for n >= 999.5 && u < len(units)-1 {
		n, u = n/1000, u+1
	}
	return strconv.FormatFloat(n, 'g', 3, 64) + " " + units[u]
}
