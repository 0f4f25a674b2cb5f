package rt

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

func TestCell(t *testing.T) {
	c := Start(1, 7, func(context.Context) error {
		if c := Caller(); c == nil || c.ID != 1 || c.Count != 7 {
			t.Errorf("caller %+v", c)
		}
		inner := make(chan int)
		go func() { inner <- Caller().ID }()
		if id := <-inner; id != 1 {
			t.Errorf("the goroutine belongs to %d", id)
		}
		return nil
	})
	<-c.Done()
	if f := c.Failure(); f != nil {
		t.Errorf("got %+v", f)
	}
	for _, k := range []struct {
		f    func(context.Context) error
		want func(*Failure) bool
	}{
		{func(context.Context) error { panic("no") }, func(f *Failure) bool { return f.Value == "no" }},
		{func(context.Context) error { panic(errors.New("err")) }, func(f *Failure) bool { return f.Value == "err" }},
		{func(context.Context) error { panic(bad{}) }, func(f *Failure) bool { return strings.Contains(f.Value, "cannot be shown") }},
		{func(context.Context) error { panic(deep{}) }, func(f *Failure) bool { return strings.Contains(f.Value, "cannot be shown") }},
		{func(context.Context) error { return errors.New("e") }, func(f *Failure) bool { return f.Err != nil }},
	} {
		c := Start(2, 1, k.f)
		<-c.Done()
		if !k.want(c.Failure()) {
			t.Errorf("got %+v", c.Failure())
		}
	}
}

type bad struct{}

func (bad) Error() string { panic("again") }

// deep's method recurses forever, with the check that the compiled code of cells has.
type deep struct{}

func (d deep) Error() string {
	Check()
	//lint:ignore SA5007 this is what the test is about
	return "x" + d.Error()
}

// Every blocking operation ends when the cell is interrupted, and the flag is cleared
// when no goroutine of the cell is left.
func TestInterrupt(t *testing.T) {
	ch := make(chan int)
	for name, f := range map[string]func(){
		"loop": func() {
			for {
				Check()
			}
		},
		"sleep": func() { Sleep(time.Hour) },
		"recv":  func() { Recv(ch) },
		"recv2": func() { Recv2(ch) },
		"send":  func() { Send(ch, 1) },
		"range": func() {
			for range Range(ch) {
				t.Error("a value")
			}
		},
		"select": func() { <-Intr(); Halt() },
		"swallowed": func() {
			func() {
				defer func() { recover() }()
				for {
					Check()
				}
			}()
			for {
				Check()
			}
		},
	} {
		c := Start(10, 1, func(context.Context) error { f(); return nil })
		background := make(chan struct{})
		b := Start(11, 1, func(context.Context) error { Recv(background); return nil })
		c.Interrupt()
		<-c.Done()
		if f := c.Failure(); f == nil || !f.Interrupted {
			t.Errorf("%s: %+v", name, f)
		}
		close(background)
		<-b.Done()
		if b.Failure() != nil {
			t.Errorf("%s: another cell got %+v", name, b.Failure())
		}
	}
	for i := 0; atomic.LoadUint32(&Flag) != 0; i++ {
		if i == 200 {
			t.Fatal("the flag stays up")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestChannels(t *testing.T) {
	ch := make(chan int, 3)
	Send(ch, 1)
	Send(ch, 2)
	if v := Recv(ch); v != 1 {
		t.Errorf("got %d", v)
	}
	close(ch)
	if got := slices.Collect(Range(ch)); !slices.Equal(got, []int{2}) {
		t.Errorf("got %v", got)
	}
	if v, ok := Recv2(ch); v != 0 || ok {
		t.Errorf("got %d %v", v, ok)
	}
}

func TestVars(t *testing.T) {
	x := 3
	Var("x", &x)
	v, ok := Lookup("x")
	if !ok || !v.CanSet() || !slices.Contains(Names(), "x") {
		t.Fatalf("got %v %v", v, ok)
	}
	v.SetInt(4)
	if x != 4 {
		t.Errorf("x is %d", x)
	}
	Zero(&x)
	Drop("x")
	if _, ok := Lookup("x"); ok || x != 0 {
		t.Errorf("x is %d", x)
	}
	Put("y", "text")
	if got := Take[string]("y"); got != "text" {
		t.Errorf("got %q", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("a value is taken twice")
		}
	}()
	Take[string]("y")
}

type memory struct {
	shown  chan []any
	panics chan *Failure
}

func (m memory) Show(_ *Cell, v []any)        { m.shown <- v }
func (m memory) Panic(_ *Cell, f *Failure)    { m.panics <- f }
func (m memory) Stream(*Cell, string, []byte) {}
func (m memory) Cycle(any) string             { return "" }

func TestGuard(t *testing.T) {
	m := memory{make(chan []any, 1), make(chan *Failure, 4)}
	SetSink(m)
	defer theSink.Store(nil)
	c := Start(20, 1, func(context.Context) error {
		Show(1, "a")
		Go0(func() { panic(0) })
		Go1(func(a int) { panic(a) }, 1)
		Go2(func(a, b int) { panic(a + b) }, 1, 1)
		Go3(func(a, b, c int) { panic(a + b + c) }, 1, 1, 1)
		return nil
	})
	<-c.Done()
	var got []string
	for range 4 {
		got = append(got, (<-m.panics).Value)
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{"0", "1", "2", "3"}) {
		t.Errorf("got %v", got)
	}
	if v := <-m.shown; !reflect.DeepEqual(v, []any{1, "a"}) {
		t.Errorf("got %v", v)
	}
}

func TestFieldWith(t *testing.T) {
	var record [maxRecord / 8]unsafe.Pointer
	var target int
	p := unsafe.Pointer(&target)
	if _, ok := fieldWith(unsafe.Pointer(&record), p); ok {
		t.Error("found what is not there")
	}
	record[9] = p
	if o, ok := fieldWith(unsafe.Pointer(&record), p); !ok || o != 9*word {
		t.Errorf("got %d %v", o, ok)
	}
}

// learnTypes knows the fields only if a single one can be meant. In a record the end of the
// types may be where the list of offsets begins.
func TestLearnTypes(t *testing.T) {
	types, links := new([8]uintptr), []int32{0, 8, 16}
	at := unsafe.Pointer(unsafe.SliceData(links))
	for name, c := range map[string]struct {
		fields map[int]unsafe.Pointer // by number of the word
		size   int
		learnt bool
	}{
		"found":              {map[int]unsafe.Pointer{5: unsafe.Pointer(types), 6: at, 20: at}, len(links), true},
		"the start twice":    {map[int]unsafe.Pointer{5: unsafe.Pointer(types), 9: unsafe.Pointer(types), 20: at}, len(links), false},
		"no start":           {map[int]unsafe.Pointer{20: at}, len(links), false},
		"no list":            {map[int]unsafe.Pointer{5: unsafe.Pointer(types)}, len(links), false},
		"a list of two only": {map[int]unsafe.Pointer{5: unsafe.Pointer(types), 20: at}, 2, false},
	} {
		record := new([maxRecord/word + 2]uintptr)
		for i, p := range c.fields {
			record[i] = uintptr(p)
		}
		record[21] = uintptr(c.size)
		var m modules
		m.learnTypes(unsafe.Pointer(record), unsafe.Pointer(types), links)
		if learnt := m.start == 5*word && m.links == 20*word; learnt != c.learnt || !learnt && m.start != 0 {
			t.Errorf("%s: start %d, links %d", name, m.start/word, m.links/word)
		}
	}
}

// TestLabelIn reads the labels of a goroutine as Go writes them before and since 1.27.
func TestLabelIn(t *testing.T) {
	for head, want := range map[string]int{
		`goroutine 34 [IO wait, labels:{"cell": "3"}]:`:            3,
		`goroutine 34 [IO wait, labels:{"a": "b", "cell": "31"}]:`: 31,
		`goroutine 34 [chan receive, 2 minutes] {cell: 3}:`:        3,
		`goroutine 34 [select] {a: "b c", cell: 12, z: 1}:`:        12,
		`goroutine 34 [select] {supercell: 12}:`:                   0,
		`goroutine 34 [select] {cell: none}:`:                      0,
		`goroutine 34 [select]:`:                                   0,
	} {
		if got := labelIn(head); got != want {
			t.Errorf("%s: got %d, want %d", head, got, want)
		}
	}
}

// TestMapsText checks that the limit is mentioned only if it is reached.
func TestMapsText(t *testing.T) {
	if got := mapsText(900, 65530); got != "" {
		t.Errorf("got %q", got)
	}
	if got := mapsText(65520, 65530); !strings.Contains(got, "65520 memory maps of at most 65530") || !strings.Contains(got, "restart the kernel") {
		t.Errorf("got %q", got)
	}
	if got := mapsText(65520, 65530); !strings.Contains(got, "gopherpod install --mode fast") {
		t.Errorf("in classic mode: got %q", got)
	}
	if got := mapsHint(); got != "" {
		t.Errorf("got %q in a process with few maps", got)
	}
}
