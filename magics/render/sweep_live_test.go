package render

import (
	"os"
	"strings"
	"testing"
)

// The live view has the picture as soon as two trials are over, and stays within
// the size of a frame.
func TestSweepProgress(t *testing.T) {
	s := Sweep{Names: []string{"lr", "hidden"}, Ends: [][2]string{{"1e-05", "0.1"}, {"32", "256"}}, Measure: "validation loss", Best: 1, Total: 40}
	for i := range 30 {
		at := float64(i) / 29
		s.Trials = append(s.Trials, SweepTrial{Number: i, Value: 1.1 - at, Values: []string{Number(at), "64"}, Position: []float64{at, 1 - at}})
	}
	s.Best = 29
	html := s.Progress("3 s").Data[MIMEHTML].(string)
	if !strings.Contains(html, "<svg") || !strings.Contains(html, "30 of 40 trials, 3 s") || len(html) > FrameBytes {
		t.Errorf("%d bytes: %.300s", len(html), html)
	}
	if dir := os.Getenv("GOPHERPOD_LOOK"); dir != "" {
		if err := os.WriteFile(dir+"/sweep.html", []byte(html), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.Trials = s.Trials[:1]
	s.Best = 0
	if html := s.Progress("1 s").Data[MIMEHTML].(string); strings.Contains(html, "<svg") {
		t.Error("a picture of one trial")
	}
}
