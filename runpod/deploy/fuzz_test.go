package deploy

import (
	"strings"
	"testing"
	"time"
)

// FuzzAmounts: an age or size that can be parsed is above 0.
func FuzzAmounts(f *testing.F) {
	for _, s := range []string{"30d", "1.5 TB", "50GB", "0d", "1e300d", "NaNd", "InfGB", "-1", "36500d", "9223372036854775807", "1h30m"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseAge(s); err == nil && (d <= 0 || strings.HasSuffix(s, "d") && d > 36500*24*time.Hour) {
			t.Fatalf("the age %q is %v", s, d)
		}
		if n, err := parseBytes(s); err == nil && n <= 0 {
			t.Fatalf("the size %q is %d", s, n)
		}
	})
}
