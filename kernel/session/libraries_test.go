package session

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFailingPackages imports packages whose initialization panics, exits, loops or
// registers a flag twice. Each time only the cell that imports the package fails.
func TestFailingPackages(t *testing.T) {
	e2e(t)
	n := newSession(t)
	dir := n.o.Dir
	pkg := func(name, body string) map[string]string {
		return map[string]string{name + "/" + name + ".go": "package " + name + "\n\nimport (\n\t\"flag\"\n\t\"fmt\"\n\t\"log\"\n\t\"os\"\n)\n\n" +
			"var _, _, _, _ = flag.Arg, fmt.Sprint, log.Print, os.Exit\n\n" + body + "\n\nfunc Name() string { return \"" + name + "\" }\n"}
	}
	write(t, dir, map[string]string{"go.mod": "module example.test/app\n\ngo 1.24\n"})
	write(t, dir, pkg("good", "func init() { fmt.Println(\"good begins\") }"))
	write(t, dir, map[string]string{"user/user.go": "package user\n\nimport \"example.test/app/panics\"\n\nfunc Name() string { return \"user of \" + panics.Name() }\n"})
	write(t, dir, pkg("panics", "var Wide = 5\n\nfunc init() {\n\tvar none []int\n\tnone[Wide]++\n}"))
	write(t, dir, pkg("fatal", "func init() { log.Fatal(\"no licence\") }"))
	write(t, dir, pkg("exits", "func init() { os.Exit(0) }"))
	write(t, dir, pkg("loops", "func init() { fmt.Println(\"looping\"); for {} }"))
	write(t, dir, pkg("flagged", "var v = flag.Int(\"level\", 1, \"\")"))
	write(t, dir, pkg("again", "var v = flag.Int(\"level\", 2, \"\")"))
	n.ok("keep := 7")
	if got := n.ok("import \"example.test/app/good\"\ngood.Name()"); !strings.Contains(got, "stdout:good begins\n") || !strings.HasSuffix(got, "result:good") {
		t.Errorf("what a package prints: %q", got)
	}
	fails := func(name, kind, value string, lines ...string) {
		t.Helper()
		n.run("import \"example.test/app/"+name+"\"\n"+name+".Name()").failed(t, kind, value, append(lines, "ariables are kept")...)
		if got := n.ok("fmt.Println(keep, good.Name())"); got != "stdout:7 good\n" {
			t.Errorf("after %s: %q", name, got)
		}
	}
	for range 2 { // again, in the same process
		fails("panics", "Panic", "index out of range [5] with length 0, while package example.test/app/panics was initialized", " example.test/app/panics/panics.go:16 in panics.init.0")
	}
	fails("fatal", "Exit", "os.Exit(1), while package example.test/app/fatal was initialized")
	fails("exits", "Exit", "os.Exit(0), while package example.test/app/exits was initialized")
	// What panics in a goroutine of its own takes the session along, and only that one.
	write(t, dir, pkg("late", "func init() { go func() { <-Wait; panic(\"late\") }() }\n\nvar Wait = make(chan int)"))
	write(t, dir, map[string]string{"overlate/overlate.go": "package overlate\n\nimport \"example.test/app/late\"\n\nfunc Name() string { return \"over\" + late.Name() }\n"})
	n.ok("import \"example.test/app/late\"\nimport \"example.test/app/overlate\"\noverlate.Name() + late.Name()")
	n.run("close(late.Wait)\nselect {}").failed(t, nameLost, "panic in a goroutine of a library: late", "Package example.test/app/late is not in the new session, because its own goroutine panicked.")
	for _, path := range n.book.Ready() {
		if strings.HasSuffix(path, "late") {
			t.Errorf("a new session begins with %s", path)
		}
	}
	n.ok("keep := 7")
	n.ok("import \"example.test/app/flagged\"\nflagged.Name()")
	fails("again", "Panic", "flag redefined: level")
	// After an edit they work. Flags of an edited package are registered a second time.
	write(t, dir, pkg("panics", "var Wide = 5\n\nfunc init() { fmt.Println(\"mended\") }"))
	write(t, dir, pkg("flagged", "var v = flag.Int(\"level\", 3, \"\")\n\nvar w = flag.Int(\"width\", 3, \"\")"))
	if got := n.ok("import \"example.test/app/panics\"\npanics.Name()"); !strings.Contains(got, "stdout:mended\n") || !strings.HasSuffix(got, "result:panics") {
		t.Errorf("mended: %q", got)
	}
	if got := n.ok("flagged.Name()\nimport \"flag\"\nflag.Lookup(\"level\").DefValue + flag.Lookup(\"width\").DefValue"); !strings.HasSuffix(got, "result:33") {
		t.Errorf("flags: %q", got)
	}
	if got := n.ok("import \"example.test/app/user\"\nuser.Name()"); !strings.HasSuffix(got, "result:user of panics") {
		t.Errorf("what imports a package that failed before: %q", got)
	}
	t.Run("loop", func(t *testing.T) {
		r := &record{}
		done := make(chan struct{})
		go func() {
			defer close(done)
			n.runIn(context.Background(), "import \"example.test/app/loops\"\nloops.Name()", r)
		}()
		r.until(t, "looping")
		n.Interrupt()
		<-done
		r.failed(t, "Interrupted", "abandoned", "Interrupt again")
		if got := n.ok("keep"); got != "result:7" {
			t.Errorf("after a loop: %q", got)
		}
		n.run("import \"example.test/app/loops\"").failed(t, "Error", "still initializing it, while package example.test/app/loops")
		p, err := n.process(n.idle())
		if err != nil {
			t.Fatal(err)
		}
		hangUp(t, p.PID())
		select {
		case <-p.Exited():
		case <-time.After(20 * time.Second):
			t.Error("the session process outlives its kernel")
		}
	})
	// A new process loads the newest copies of the packages that worked, and nothing else.
	got := n.ok("fmt.Println(good.Name(), flagged.Name())")
	if !strings.Contains(got, "good begins\n") || !strings.Contains(got, "mended\n") || !strings.HasSuffix(got, "good flagged\n") {
		t.Errorf("in a new process: %q", got)
	}
	if got := n.ok("flag.Lookup(\"level\").DefValue"); got != "result:3" {
		t.Errorf("flags in a new process: %q", got)
	}
	// A package that fails only now is reported once.
	write(t, dir, pkg("good", "func init() { if os.Getenv(\"BROKEN\") != \"\" { panic(\"broken\") }; fmt.Println(\"good begins\") }"))
	n.ok("good.Name()")
	n.ok("%env BROKEN=1")
	p, err := n.process(n.idle())
	if err != nil {
		t.Fatal(err)
	}
	syscall.Kill(p.PID(), syscall.SIGKILL)
	<-p.Exited()
	if got := n.ok("fmt.Println(flagged.Name())"); !strings.Contains(got, "warning: package example.test/app/good is not in the new session process: panic: broken") || !strings.HasSuffix(got, "stdout:flagged\n") {
		t.Errorf("failing in a new process: %q", got)
	}
	if got := n.ok("fmt.Println(flagged.Name())"); got != "stdout:flagged\n" {
		t.Errorf("the cell after: %q", got)
	}
	n.run("good.Name()").failed(t, "Panic", "panic: broken")
	n.ok("%env BROKEN=")
	n.ok("os.Unsetenv(\"BROKEN\")")
	if got := n.ok("good.Name()"); !strings.HasSuffix(got, "result:good") {
		t.Errorf("when it works again: %q", got)
	}
	fmt.Fprintln(t.Output(), n.n, "cells")
}
