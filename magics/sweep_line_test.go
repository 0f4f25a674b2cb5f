package magics

import (
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/runpod/sweep"
)

// TestUnusedDimensionIsNamed: the line and the row of a trial say which value its
// optimizer did not use.
func TestUnusedDimensionIsNamed(t *testing.T) {
	v := &sweepView{space: []sweep.Dimension{{Name: "optimizer", Choices: []any{"adam", "sgd"}}, {Name: "momentum", High: 1}}}
	trial := sweep.TrialResult{Point: sweep.Point{"optimizer": "adam", "momentum": 0.5}, Unused: []string{"momentum"}}
	if line := v.line(trial); !strings.Contains(line, "optimizer adam momentum not used") {
		t.Errorf("line: %s", line)
	}
	if row := v.row(trial); row.Values[0] != "adam" || row.Values[1] != "not used" {
		t.Errorf("row: %v", row.Values)
	}
}
