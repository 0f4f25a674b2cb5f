package render

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/worker"
)

// size estimates how many bytes a message takes: images as base64, text as it is.
func size(m display.Message) int {
	n := 0
	for _, v := range m.Data {
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += (len(v) + 2) / 3 * 4
		}
	}
	b, _ := json.Marshal(m.Metadata)
	return n + len(b)
}

func num(x float64) *worker.Number { n := worker.Number(x); return &n }

func sample(epochs int, val, acc bool) Training {
	t := Training{Loss: "cross_entropy", Title: "linear 64, relu, linear 10: 4,810 parameters; adam, lr 0.001, batch 32, seed 42"}
	for i := range epochs {
		x := float64(i)
		e := worker.Epoch{Epoch: i + 1, Epochs: epochs, Loss: worker.Number(2.2*math.Exp(-x/6) + 0.03), LearningRate: 0.001, Seconds: 0.05, Samples: 1437}
		if val {
			e.ValLoss = num(2.2*math.Exp(-x/6) + 0.08 + 0.002*x + 0.02*math.Sin(x*1.7))
		}
		if acc {
			e.Accuracy = num(1 - 0.8*math.Exp(-x/4) - 0.005)
			if val {
				e.ValAccuracy = num(1 - 0.8*math.Exp(-x/4) - 0.02 - 0.006*math.Sin(x))
			}
		}
		t.History = append(t.History, e)
	}
	return t
}

func TestLook(t *testing.T) {
	dir := os.Getenv("GOPHERPOD_LOOK")
	if dir == "" {
		t.Skip("GOPHERPOD_LOOK names no folder")
	}
	for name, tr := range map[string]Training{"class": sample(20, true, true), "reg": sample(200, true, false), "one": sample(1, true, true), "long": sample(10000, false, true)} {
		b := tr.Curve()
		os.WriteFile(dir+"/"+name+".png", b.Data[MIMEPNG].([]byte), 0o644)
		t.Log(name, len(b.Data[MIMEPNG].([]byte)), len(tr.figure().svg()), b.Text())
		t.Log("\n" + tr.Table().Text())
	}

	ev := sampleEvaluation(10)
	b, _ := ev.Picture()
	os.WriteFile(dir+"/confusion.png", b.Data[MIMEPNG].([]byte), 0o644)
	t.Log(len(b.Data[MIMEPNG].([]byte)), b.Text())
	t.Log("\n" + ev.Table().Text())
	b, _ = sampleEvaluation(40).Picture()
	os.WriteFile(dir+"/confusion40.png", b.Data[MIMEPNG].([]byte), 0o644)
	pr := Progress{Training: sample(7, true, true), Elapsed: 4e9, Left: 8e9, Batch: &worker.Batch{Epoch: 8, Batch: 3, Batches: 45}}
	pr.Epochs = 20
	f := pr.Frame()
	t.Log("\n"+f.Text(), size(f))
	html := func(s any) string { return s.(string) + "<hr>" }
	os.WriteFile(dir+"/look.html", []byte("<meta charset=utf-8><body style='font-family:sans-serif'>"+html(f.Data[MIMEHTML])+html(sample(20, true, true).Table().Data[MIMEHTML])+html(ev.Table().Data[MIMEHTML])), 0o644)
}

func sampleEvaluation(k int) Evaluation {
	m := make([][]int, k)
	for i := range m {
		m[i] = make([]int, k)
		m[i][i] = 33 + i%4
		m[i][(i*3+1)%k] += i % 3
	}
	ev := Evaluation{Title: "model on 360 test samples", Loss: "cross_entropy", Metrics: worker.Metrics{Loss: 0.1234, Accuracy: num(0.9722), SamplesProcessed: 360, Confusion: m}}
	for i := range k {
		ev.Metrics.PerClass = append(ev.Metrics.PerClass, worker.ClassMetrics{Class: i, Precision: 0.97, Recall: 0.98, F1: 0.975, Support: 36})
	}
	return ev
}
