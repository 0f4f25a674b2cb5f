package main

import (
	"fmt"
	"sync/atomic"
	"time"
)

type config struct{ n int }

type gauge struct {
	v   atomic.Int32
	ptr atomic.Pointer[config]
}

func (g *gauge) swap(n int) *config { return g.ptr.Swap(&config{n}) }

func main() {
	var g gauge
	g.v.Store(5)
	fmt.Println(g.v.CompareAndSwap(5, 6), g.v.Load(), g.v.Add(-2))
	fmt.Println(g.swap(1) == nil, g.swap(2).n, g.ptr.Load().n)
	var val atomic.Value
	val.Store([]string{"a"})
	fmt.Println(val.Load().([]string)[0])
	d := 90*time.Minute + 30*time.Second
	fmt.Println(d, d.Hours(), d.Round(time.Hour), time.Duration(1500)*time.Microsecond)
	t := time.Date(2024, time.February, 28, 23, 0, 0, 0, time.UTC)
	fmt.Println(t.Add(2*time.Hour).Format("2006-01-02 15:04"), t.Weekday(), t.AddDate(0, 0, 2).Month())
	p, err := time.Parse(time.DateOnly, "2024-12-25")
	fmt.Println(p.YearDay(), err, p.After(t), p.Sub(t) > 24*time.Hour)
	start := time.Now()
	time.Sleep(time.Millisecond)
	fmt.Println(time.Since(start) >= time.Millisecond)
	timer := time.AfterFunc(time.Hour, func() {})
	fmt.Println(timer.Stop())
}
