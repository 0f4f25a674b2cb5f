package deploy

import (
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/runpod"
)

func pool(id string, memory, hourly float64, stock runpod.Stock, centers ...string) runpod.Pool {
	g := runpod.GPU{ID: id, Name: id, Pool: id, Memory: memory, Availability: stock}
	g.Price.Serverless = hourly
	for _, c := range centers {
		g.DataCenters = append(g.DataCenters, runpod.StockAt{ID: c, Availability: stock})
	}
	return runpod.Pools([]runpod.GPU{g})[0]
}

func TestChoosePools(t *testing.T) {
	const none, low, medium, high = runpod.StockNone, runpod.StockLow, runpod.StockMedium, runpod.StockHigh
	for _, c := range []struct {
		name   string
		pools  []runpod.Pool
		memory float64
		center string
		want   string
	}{
		{"cheapest first", []runpod.Pool{pool("a", 16, 1, high), pool("b", 24, 1.5, high)}, 16, "", "a b"},
		{"memory floor", []runpod.Pool{pool("a", 16, 1, high), pool("b", 24, 1.5, high)}, 20, "", "b"},
		{"none to be had is left out", []runpod.Pool{pool("a", 16, 1, none), pool("b", 24, 1.5, low)}, 16, "", "b"},
		{"nothing to be had: the cheapest", []runpod.Pool{pool("a", 16, 1, none), pool("b", 24, 1.5, none)}, 16, "", "a"},
		{"scarce is worth less", []runpod.Pool{pool("a", 16, 1, low), pool("b", 24, 1.2, medium)}, 16, "", "b a"},
		{"scarce and much cheaper", []runpod.Pool{pool("a", 16, 1, low), pool("b", 24, 1.9, high)}, 16, "", "a b"},
		{"at most twice the price", []runpod.Pool{pool("a", 16, 1, high), pool("b", 24, 2.1, high)}, 16, "", "a"},
		{"at most three", []runpod.Pool{pool("a", 16, 1, high), pool("b", 16, 1, high), pool("c", 16, 1, high), pool("d", 16, 1, high)}, 16, "", "a b c"},
		{"stock not told", []runpod.Pool{pool("a", 16, 1, ""), pool("b", 24, 1.5, "")}, 16, "", "a b"},
		{"data centre", []runpod.Pool{pool("a", 16, 1, high, "X"), pool("b", 24, 1.5, high, "X", "Y"), pool("c", 24, 1.6, high)}, 16, "Y", "b c"},
	} {
		got, err := choosePools(c.pools, c.memory, c.center)
		if err != nil || strings.Join(poolIDs(got), " ") != c.want {
			t.Errorf("%s: %v, %v, want %s", c.name, poolIDs(got), err, c.want)
		}
	}
	if _, err := choosePools([]runpod.Pool{pool("a", 16, 1, high, "X")}, 16, "Y"); err == nil || !strings.Contains(err.Error(), "no GPU in Y") {
		t.Error(err)
	}
}
