package render

import (
	"errors"
	"fmt"
	"image/color"
	"sync/atomic"
	"time"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// drawLimit is how long drawing a picture may take. A picture takes 10 to 80 ms.
const drawLimit = 2 * time.Second

// errSlow is the error of a picture that was not finished in time.
var errSlow = fmt.Errorf("it took longer than %v", drawLimit)

// guarded runs draw and returns its panic as an error. It waits for limit at most,
// because the picture belongs to a training that was paid for, which must not depend on
// it. If draw takes longer, stop becomes true, and a canvas that watches stop ends the
// drawing.
func guarded[T any](limit time.Duration, draw func(stop *atomic.Bool) T) (T, error) {
	type result struct {
		drawn T
		err   error
	}
	stop, done := &atomic.Bool{}, make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r = result{err: fmt.Errorf("it panicked: %v", p)}
			}
			done <- r
		}()
		r.drawn = draw(stop)
	}()
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case r := <-done:
		return r.drawn, r.err
	case <-late.C:
		stop.Store(true)
		var none T
		return none, errSlow
	}
}

// A watched canvas panics once stop is true, to end a drawing that nobody waits for
// any more.
type watched struct {
	vg.Canvas
	stop *atomic.Bool
}

var errStopped = errors.New("drawing was stopped")

func (w watched) check() {
	if w.stop.Load() {
		panic(errStopped)
	}
}

func (w watched) SetColor(c color.Color) { w.check(); w.Canvas.SetColor(c) }
func (w watched) Stroke(p vg.Path)       { w.check(); w.Canvas.Stroke(p) }
func (w watched) Fill(p vg.Path)         { w.check(); w.Canvas.Fill(p) }
func (w watched) FillString(f font.Face, at vg.Point, text string) {
	w.check()
	w.Canvas.FillString(f, at, text)
}
