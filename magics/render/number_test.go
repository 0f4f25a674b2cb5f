package render

import (
	"math"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/tensors/wording"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Number(0), "0.0000"},
		{Number(0.12345), "0.1235"},
		{Number(12.3456789), "12.3457"},
		{Number(0.00012345), "1.234e-04"},
		{Number(-2.5e7), "-2.500e+07"},
		{Number(math.NaN()), "NaN"},
		{Number(math.Inf(-1)), "-Inf"},
		{Short(0.123456), "0.123"},
		{Percent(0.97222), "97.22 %"},
		{Percent(1), "100.00 %"},
		{Percent(math.NaN()), "NaN"},
		{Count(0), "0"},
		{Count(999), "999"},
		{Count(1000), "1,000"},
		{Count(1234567), "1,234,567"},
		{Count(-1234), "-1,234"},
		{wording.Bytes(999), "999 B"},
		{wording.Bytes(1000), "1.0 kB"},
		{wording.Bytes(999_950), "1.0 MB"},
		{wording.Bytes(12_345_678), "12.3 MB"},
		{Duration(0), "0 ms"},
		{Duration(24600 * time.Microsecond), "25 ms"},
		{Duration(440 * time.Millisecond), "0.4 s"},
		{Duration(9960 * time.Millisecond), "10 s"},
		{Duration(59600 * time.Millisecond), "1 min 00 s"},
		{Duration(200 * time.Second), "3 min 20 s"},
		{Duration(125 * time.Minute), "2 h 05 min"},
		{Duration(-time.Second), "-1.0 s"},
		{Spark([]float64{0, 1, 2, 3, 4, 5, 6, 7}, 20), "▁▂▃▄▅▆▇█"},
		{Spark([]float64{1, 1}, 20), "▅▅"},
		{Spark([]float64{0, math.NaN(), 1}, 20), "▁ █"},
		{Spark([]float64{math.Inf(1)}, 20), " "},
		{Spark(nil, 20), ""},
		{Spark([]float64{0, 0, 1, 1}, 2), "▁█"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
