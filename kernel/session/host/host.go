package host

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/kernel/session/frame"
	"github.com/gopherpod/gopherpod/kernel/session/reap"
	"github.com/gopherpod/gopherpod/kernel/session/rt"
)

// SelfTestEnv names the environment variable that lists cells to load and run, as
// file=entry separated by semicolons. It serves to test a new session program.
const SelfTestEnv = "GOPHERPOD_SELF_TEST"

// Files of the process beside the standard streams.
const (
	commandFD = 3
	eventFD   = 4
)

// maxStack limits the stack so that an infinite recursion fails after half a second.
// Go's own limit of a gigabyte takes four seconds to fill.
const maxStack = 128 << 20

// Options are what the session program adds to the host.
type Options struct {
	Magics []magic.Magic
	// Show returns how to show values of further kinds, such as plots of gonum/plot, whose
	// packages the host does not link. It returns false for ok if it does not know v.
	Show func(v any) (m display.Message, ok bool)
}

// A host is the one session of the process.
type host struct {
	show   func(v any) (display.Message, bool) // may be nil
	magics map[string]magic.Magic
	infos  []frame.MagicInfo
	ctx    context.Context // context of the process
	out    *output

	defineMu sync.Mutex // held while a magic defines a variable

	mu      sync.Mutex
	running map[int]*execution
	answers map[int]chan frame.Command // by Reply
	// stopShown, when closed, stops showing values outside of cells; nil if none are
	// being shown.
	stopShown chan struct{}
	replies   atomic.Int64
	env       changes
	stdin     string // the file that standard input reads from
}

// Main serves the kernel until the kernel exits, then exits the process.
func Main(o Options) {
	debug.SetMaxStack(maxStack)
	if cells := os.Getenv(SelfTestEnv); cells != "" {
		selfTest(cells)
	}
	h, err := open(o)
	if err != nil {
		fmt.Fprintf(os.Stderr, "gopherpod session: %v; the notebook kernel starts this program\n", err)
		os.Exit(2)
	}
	mark := os.Getenv(reap.Env) // a cell may change it later
	err = h.serve(os.NewFile(commandFD, "commands"))
	reap.Session(os.Getpid()) // here, because a kernel that was killed cannot do it
	reap.Marked(mark)
	if !errors.Is(err, io.EOF) {
		fmt.Fprintln(os.Stderr, "gopherpod session:", err)
		rt.Leave(1)
	}
	rt.Leave(0)
}

// selfTest runs cells without a kernel and exits the process.
func selfTest(cells string) {
	for _, c := range strings.Split(cells, ";") {
		file, entry, _ := strings.Cut(c, "=")
		f, _, err := rt.Load(file, entry)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		f()
	}
	os.Exit(0)
}

func open(o Options) (*host, error) {
	token := os.Getenv(frame.TokenEnv)
	if len(token) != frame.TokenSize {
		return nil, frame.ErrToken
	}
	os.Unsetenv(frame.TokenEnv) // child processes do not need the token
	logEnvironment()
	h := &host{show: o.Show, magics: map[string]magic.Magic{}, running: map[int]*execution{}, answers: map[int]chan frame.Command{}, ctx: context.Background()}
	h.env.next() // skip the environment that the kernel process set
	for _, m := range append(builtins(), o.Magics...) {
		if _, twice := h.magics[m.Name()]; !twice {
			_, completes := m.(magic.Completer)
			h.infos = append(h.infos, frame.MagicInfo{Name: m.Name(), Kind: uint8(m.Kind()), Summary: m.Summary(), Help: m.Help(), Completes: completes})
		}
		h.magics[m.Name()] = m
	}
	var err error
	if h.out, err = newOutput(token); err != nil {
		return nil, err
	}
	for _, fd := range []int{commandFD, eventFD} {
		syscall.CloseOnExec(fd)
	}
	rt.CatchExits()
	rt.SetSink(h)
	display.SetSink(h)
	h.out.send(frame.Event{Op: frame.Ready, PID: os.Getpid(), Version: frame.Version, Magics: h.infos})
	return h, nil
}

// serve handles commands one after the other; executions run concurrently. It
// returns io.EOF as soon as the kernel has closed the commands, even while it still
// handles one, because the initialization of a package may never return.
func (h *host) serve(r io.Reader) error {
	commands, over := make(chan frame.Command, 16), make(chan error, 1)
	go func() {
		for br := bufio.NewReader(r); ; {
			var c frame.Command
			if err := frame.Read(br, &c); err != nil {
				over <- err
				return
			}
			commands <- c
		}
	}()
	go h.handle(commands)
	return <-over
}

func (h *host) handle(commands <-chan frame.Command) {
	for c := range commands {
		switch c.Op {
		case frame.Run:
			h.run(c)
		case frame.Library:
			h.library(c)
		case frame.Magic:
			h.magic(c)
		case frame.Interrupt:
			h.interrupt(c.ID)
		case frame.Answer:
			h.answer(c)
		case frame.Vars:
			go h.reply(c, frame.Event{Vars: describeAll()})
		case frame.Value:
			go h.value(c)
		case frame.Complete:
			go h.complete(c)
		case frame.Drop:
			rt.Drop(c.Names...)
		case frame.Ping:
			h.reply(c, frame.Event{})
		case frame.Stdin:
			h.setStdin(c.File)
		case frame.Args:
			setArgs(c.Names)
		}
	}
}

var ownArgs, ownFlags = os.Args, flag.CommandLine

// setArgs gives a program its arguments and its own flag set, so that it can run more
// than once. A wrong flag panics instead of exiting, so that no variables are lost.
func setArgs(args []string) {
	if args == nil {
		os.Args, flag.CommandLine = ownArgs, ownFlags
		return
	}
	os.Args, flag.CommandLine = args, flag.NewFlagSet(args[0], flag.PanicOnError)
	flag.CommandLine.Usage = func() { flag.Usage() }
}

func (h *host) reply(c frame.Command, e frame.Event) {
	e.Op, e.Reply = frame.Reply, c.Reply
	h.out.send(e)
}

// ask sends a question to the kernel and waits for its answer.
func (h *host) ask(ctx context.Context, e frame.Event) (string, error) {
	ch := make(chan frame.Command, 1)
	e.Reply = int(h.replies.Add(1))
	h.mu.Lock()
	h.answers[e.Reply] = ch
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.answers, e.Reply)
		h.mu.Unlock()
	}()
	h.out.sendOrdered(e)
	select {
	case c := <-ch:
		if c.Err != "" {
			return "", errors.New(c.Err)
		}
		return c.Text, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

func (h *host) answer(c frame.Command) {
	h.mu.Lock()
	ch := h.answers[c.Reply]
	h.mu.Unlock()
	if ch != nil {
		ch <- c
	}
}

// setStdin connects standard input with what the user types, or with an empty file if
// nobody can answer, so that reading returns at once instead of waiting forever.
func (h *host) setStdin(file string) {
	if file == "" {
		file = os.DevNull
	}
	if file == h.stdin {
		return
	}
	fd, err := syscall.Open(file, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return // reading continues where it was
	}
	defer syscall.Close(fd)
	if dup2(fd, 0) == nil {
		h.stdin = file
	}
}
