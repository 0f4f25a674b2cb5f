package session

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestMagics(t *testing.T) {
	n := newSession(t)
	t.Run("define", func(t *testing.T) {
		for _, c := range []struct{ kind, use, want string }{
			{"int", "v + 1", "result:8"},
			{"int", "v + 1", "result:8"}, // same type: set in place
			{"text", "strings.ToUpper(v)", "result:SEVEN"},
			{"matrix", "v.Dims()", "result:2 3"},
			{"durations", "v[0]", "result:1s"},
			{"func", "v(\"x\")", "result:X"},
		} {
			if got := n.ok("%make v " + c.kind); got != "stdout:v true true\n" {
				t.Errorf("%s: %q", c.kind, got)
			}
			if got := n.ok(c.use); got != c.want {
				t.Errorf("%s: got %q", c.kind, got)
			}
		}
		n.run("%make v hidden").failed(t, "Error", "define v: a variable cannot have the type")
		n.run("%make v nil").failed(t, "Error", "define v: nil has no type")
	})
	t.Run("in one cell", func(t *testing.T) {
		if got := n.ok("k := 20\n%double k\n%make w int\nk + w"); !strings.HasSuffix(got, "result:47") {
			t.Errorf("got %q", got)
		}
		n.run("%double nothing").failed(t, "UsageError", "there is no variable nothing")
	})
	t.Run("call", func(t *testing.T) {
		want := strings.ReplaceAll("stdout:\"a b\" \"body\\n\" true\n|display false map[image/png:cG5n text/plain:shown]|stderr:end\n", "|", separator)
		if got := n.ok("%%echo a b\nbody\n"); got != want {
			t.Errorf("got %q", got)
		}
	})
	t.Run("errors", func(t *testing.T) {
		n.run("%fail").failed(t, "Error", "it failed", "in two lines")
		r := n.run("%panic")
		if r.err == nil || !strings.Contains(r.err.Error(), "%panic panicked: a bug") {
			t.Errorf("got %v", r.err)
		}
		n.run("%ech").failed(t, "UsageError", "did you mean %echo?")
		n.run("%exit").failed(t, "SessionLost", "os.Exit(5)", "Lost with it: k, v, w")
	})
	t.Run("interrupt", func(t *testing.T) {
		r := &record{}
		done := make(chan struct{})
		go func() { n.runIn(context.Background(), "%wait", r); close(done) }()
		r.until(t, "waiting")
		n.Interrupt()
		<-done
		r.failed(t, "Interrupted", "interrupted")
		if !strings.Contains(r.all(), "cleaned up") {
			t.Errorf("got %q", r.all())
		}
	})
	t.Run("hold", func(t *testing.T) { // longer than an interrupted magic has otherwise
		r := &record{}
		done := make(chan struct{})
		go func() { n.runIn(context.Background(), "%hold", r); close(done) }()
		r.until(t, "waiting")
		n.Interrupt()
		r.until(t, "held")
		select {
		case <-done:
			t.Errorf("it did not wait: %v %q", r.err, r.all())
		case <-time.After(stuck + time.Second):
		}
		n.Interrupt()
		<-done
		r.failed(t, "Interrupted", "interrupted")
		if !strings.Contains(r.all(), "stopped") {
			t.Errorf("got %q", r.all())
		}
	})
	t.Run("help", func(t *testing.T) {
		for _, src := range []string{"%echo?", "%%echo?", "%echo --help"} {
			if got := n.ok(src); got != "stdout:help of echo\n" {
				t.Errorf("%s: got %q", src, got)
			}
		}
		b, ok, err := n.Inspect(t.Context(), "x := 1\n%echo a", 9, 0)
		if !ok || err != nil || b["text/plain"] != "help of echo" {
			t.Errorf("got %v %v %v", b, ok, err)
		}
		for _, src := range []string{"echo", "%echo", "%%echo"} { // of "echo?" and "?%echo"
			if b, ok, err = n.Inspect(t.Context(), src, len(src), 0); !ok || err != nil || b["text/plain"] != "help of echo" {
				t.Errorf("%s: got %v %v %v", src, b, ok, err)
			}
		}
		if got := n.ok("%%who --help"); !strings.HasPrefix(got, "stdout:%who [name ...]") {
			t.Errorf("got %q", got)
		}
	})
	t.Run("complete", func(t *testing.T) {
		n.ok("alpha, alpine := 1, 2")
		for _, c := range []struct {
			code       string
			want       string
			start, end int
		}{
			{"%ech", "echo", 1, 4},
			{"x := 1\n%%ti", "time", 9, 11},
			{"%echo x al", "alpha alpine", 8, 10},
			{"alp", "alpha alpine", 0, 3},
		} {
			got, err := n.Complete(t.Context(), c.code, len(c.code))
			var texts []string
			for _, m := range got.Matches {
				texts = append(texts, m.Text)
			}
			if err != nil || strings.Join(texts, " ") != c.want || got.Start != c.start || got.End != c.end {
				t.Errorf("%q: got %v %v", c.code, got, err)
			}
		}
	})
	t.Run("who", func(t *testing.T) {
		n.ok("grid := mat.NewDense(2, 3, nil)\nname := \"x\"")
		got := n.ok("%who grid name")
		for _, want := range []string{"grid  *mat.Dense  2×3", "name  string", "120", "17"} {
			if !strings.Contains(got, want) {
				t.Errorf("%q is missing in\n%s", want, got)
			}
		}
	})
	t.Run("time", func(t *testing.T) {
		if got := n.ok("%time time.Sleep(10*time.Millisecond)"); !strings.Contains(got, "run 1") || !strings.Contains(got, "ms, compile") {
			t.Errorf("got %q", got)
		}
		if got := n.ok("%%time\nz := 3\nz"); !strings.Contains(got, "result:3") {
			t.Errorf("got %q", got)
		}
	})
	t.Run("eval", func(t *testing.T) {
		for _, e := range []string{"z", "z * 1"} {
			if b, err := n.Eval(t.Context(), e); err != nil || b["text/plain"] != "3" {
				t.Errorf("%s: %v %v", e, b, err)
			}
		}
		if _, err := n.Eval(t.Context(), "nothing"); err == nil {
			t.Error("no error")
		}
	})
	t.Run("reset", func(t *testing.T) {
		n.ok("%reset")
		n.run("z").failed(t, "CompileError", "undefined: z")
		if got := n.ok("%who"); got != "stdout:no variables\n" {
			t.Errorf("got %q", got)
		}
	})
}

// TestAdded imports packages that the host does not include.
func TestAdded(t *testing.T) {
	e2e(t)
	n := newSession(t)
	src := "import \"text/template/parse\"\nimport \"net/mail\"\nmail.ParseAddress(\"a <b@c>\")\nparse.NodeText"
	if got := n.ok(src); !strings.Contains(got, "result:0") {
		t.Errorf("got %q", got)
	}
	if got := n.ok("import \"gonum.org/v1/gonum/stat\"\nstat.Mean([]float64{1, 2, 6}, nil)"); got != "result:3" {
		t.Errorf("got %q", got)
	}
	n.run("os.Exit(1)")
	if got := n.ok("a, _ := mail.ParseAddress(\"a <b@c>\")\na.Address"); got != "result:b@c" {
		t.Errorf("after a restart: %q", got)
	}
	begin := time.Now()
	n.run("import \"no.such/package\"").failed(t, "CompileError", "no.such/package")
	t.Logf("an unknown package: %v", time.Since(begin))
}
