package wording

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	for _, c := range []struct {
		word, known, want string
	}{
		{"lienar", "linear relu", "linear"}, // neighbours that changed places are one typo
		{"Batch-Norm1D", "batchnorm1d batchnorm2d", "batchnorm1d"},
		{"runpod_tain", "runpod_train runpod_runs", "runpod_train"},
		{"tiem", "time test", "time"},
		{"abc", "xyz", ""},
		{"cat", "dog cow", ""},            // two of three letters are another word
		{"prnt", "print Printf", "print"}, // one of four
		{"ab", "ac ad", "ac"},             // the first by alphabet
		{"ab", "ad ac", "ac"},
		{"", "a", "a"},
		{strings.Repeat("a", 1000), "b", ""},
	} {
		if got := Nearest(c.word, strings.Fields(c.known)); got != c.want {
			t.Errorf("%.20s: %q, want %q", c.word, got, c.want)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 1_500_000: "1.5 MB", 40_000_000: "40.0 MB", 999_949_999: "999.9 MB", 999_950_000: "1.00 GB", 1_500_000_000: "1.50 GB", 1 << 62: "4.61 EB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestList(t *testing.T) {
	if got := List(strings.Fields("a b c")); got != "a, b, c" {
		t.Error(got)
	}
	if got := List(strings.Fields("a b c d e f g h i j k l m n")); got != "a, b, c, d, e, f, g, h, i, j, k, l and 2 more" {
		t.Error(got)
	}
}
