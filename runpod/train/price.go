package train

import (
	"fmt"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/worker"
)

// A GPU is a pool of RunPod's and its price.
type GPU struct {
	Pool      string
	Cards     string
	MemoryGB  int
	PerSecond float64 // US dollars for a second of one worker with one GPU
}

// PricesOf is the date of the table that GPUs returns. The service has no price
// of a job; what it bills are hours of an endpoint.
//
// Source: docs.runpod.io, Serverless, "Pricing".
const PricesOf = "2026-08-20"

// GPUs lists the pools with their prices, the cheapest first.
func GPUs() []GPU {
	return []GPU{
		{"AMPERE_16", "A4000, A4500, RTX 4000, RTX 2000 Ada", 16, 0.00016},
		{"AMPERE_24", "L4, A5000, RTX 3090", 24, 0.00019},
		{"ADA_24", "RTX 4090", 24, 0.00031},
		{"AMPERE_48", "A6000, A40", 48, 0.00034},
		{"ADA_48_PRO", "L40, L40S, RTX 6000 Ada", 48, 0.00053},
		{"AMPERE_80", "A100", 80, 0.00076},
		{"BLACKWELL_96", "RTX PRO 6000", 96, 0.00111},
		{"ADA_80_PRO", "H100", 80, 0.00116},
		{"HOPPER_141", "H200", 141, 0.00155},
		{"BLACKWELL_180", "B200", 180, 0.00240},
	}
}

// FindGPU returns the pool of that name, or the one with a card of that name.
func FindGPU(name string) (GPU, error) {
	var pools []string
	for _, g := range GPUs() {
		if strings.EqualFold(g.Pool, strings.ReplaceAll(name, "-", "_")) {
			return g, nil
		}
		for _, card := range strings.Split(g.Cards, ", ") {
			if strings.EqualFold(card, name) || strings.EqualFold(strings.TrimPrefix(card, "RTX "), name) {
				return g, nil
			}
		}
		pools = append(pools, g.Pool)
	}
	text := fmt.Sprintf("unknown GPU %q; known: %s", name, strings.Join(pools, ", "))
	if near := worker.Nearest(name, pools); near != "" {
		text = fmt.Sprintf("unknown GPU %q; did you mean %s?", name, near)
	}
	return GPU{}, worker.Invalid("gpu", text)
}

// Cost is the price of a job that ran for d: its execution, rounded up to a second
// as the service does. What a worker costs while it starts and idles is not in it.
func (g GPU) Cost(d time.Duration) float64 {
	seconds := (d + time.Second - 1) / time.Second
	return float64(seconds) * g.PerSecond
}

// Affords is how many whole seconds a job may run for that many dollars.
func (g GPU) Affords(dollars float64) time.Duration {
	return time.Duration(dollars / g.PerSecond * float64(time.Second)).Truncate(time.Second)
}
