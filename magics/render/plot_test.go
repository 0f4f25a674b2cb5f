package render

import (
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
)

func TestValue(t *testing.T) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text = "growth\nof a tree", "year"
	line, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 1}, {X: 12, Y: 3.5}})
	if err != nil {
		t.Fatal(err)
	}
	p.Add(line)
	m, _ := Value(p)
	data, metadata := m.Data, m.Metadata
	const want = `Plot "growth of a tree": year from 0 to 12, y from 1 to 3.5.`
	if data[MIMEText] != want || metadata[MIMEPNG].(map[string]any)["alt"] != want {
		t.Errorf("got %q, %v", data[MIMEText], metadata)
	}
	if b, ok := data[MIMEPNG].([]byte); !ok || len(b) < 1000 || len(b) > 40_000 {
		t.Errorf("%d bytes of PNG", len(b))
	}
	if m, _ := Value(plot.New()); m.Text() != "Plot: x from -1 to 1, y from -1 to 1." {
		t.Errorf("an empty plot: %v", m.Text())
	}
	for _, v := range []any{nil, 3, (*plot.Plot)(nil)} {
		if m, ok := Value(v); ok || m.Data != nil {
			t.Errorf("%v is shown: %v", v, m.Data)
		}
	}
}
