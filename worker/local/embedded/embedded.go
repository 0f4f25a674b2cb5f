// Package embedded is the endpoint of a kernel: a process of its own, which begins with
// the first request, and ends with the kernel, but not before the jobs that run then, and
// not within 30 minutes after a training. So a training goes on when the kernel is killed
// or restarted, its result is kept, as on RunPod, and %runpod_attach finds it.
//
// The kernel's side listens, and hands the socket over when somebody knocks: a notebook
// that trains nothing pays for no process.
package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gopherpod/gopherpod/tensors/environ"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// What the process is told in its environment, besides the files that it inherits.
const (
	envKey    = "GOPHERPOD_EMBEDDED_KEY"
	envFolder = "GOPHERPOD_EMBEDDED_FOLDER"
)

// The inherited files.
const (
	fdListener = 3
	fdLock     = 4 // of the folder; held, not used
)

// An Endpoint is the kernel's side.
type Endpoint struct {
	URL    string // "http://127.0.0.1:4321"
	Key    string
	Folder string // that the session writes data to; "" if there is none

	program  string
	args     []string
	listener *os.File
	folder   *local.Folder

	mu     sync.Mutex
	closed bool
	wake   *os.File // closed to end the wait for a request
	life   *os.File // closed to tell the process that the kernel is gone
	ended  chan struct{}
	here   *local.Server // if no process could be started
}

// Begin listens. The program with its args is to call Serve.
func Begin(program string, args ...string) (*Endpoint, error) {
	folder, err := local.TemporaryFolder()
	if err != nil { // nowhere to write: data travel in requests
		folder = &local.Folder{}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("embedded: %w", err), folder.Close())
	}
	defer ln.Close() // its copy goes on listening
	file, err := ln.(*net.TCPListener).File()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("embedded: %w", err), folder.Close())
	}
	e := &Endpoint{URL: "http://" + ln.Addr().String(), Key: "rpa_" + strings.ToLower(rand.Text()), Folder: folder.Path, program: program, args: args, listener: file, folder: folder}
	if err := e.watch(); err != nil {
		return nil, errors.Join(err, file.Close(), folder.Close())
	}
	return e, nil
}

// watch waits for a request, and begins the process then.
func (e *Endpoint) watch() error {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("embedded: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errors.Join(r.Close(), w.Close())
	}
	e.wake = w
	go func() {
		defer r.Close()
		fds := []unix.PollFd{{Fd: int32(e.listener.Fd()), Events: unix.POLLIN}, {Fd: int32(r.Fd()), Events: unix.POLLIN}}
		for {
			if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) || fds[1].Revents != 0 {
				return
			}
			if fds[0].Revents != 0 {
				e.begin()
				return
			}
		}
	}()
	return nil
}

func (e *Endpoint) begin() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	e.wake.Close()
	if err := e.process(); err != nil { // as well as it goes: jobs end with the kernel
		e.here, _ = e.inProcess()
	}
}

// process starts the process; e.mu is held.
func (e *Endpoint) process() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	c := exec.Command(e.program, e.args...)
	c.Stdin, c.ExtraFiles = r, []*os.File{e.listener}
	if lock := e.folder.Lock(); lock != nil {
		c.ExtraFiles = append(c.ExtraFiles, lock)
	}
	c.Env = append(without(os.Environ()), envKey+"="+e.Key, envFolder+"="+e.Folder)
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no signal of the terminal or of Jupyter reaches it
	if err := c.Start(); err != nil {
		w.Close()
		return err
	}
	e.life, e.ended = w, make(chan struct{})
	go func(ended chan struct{}) {
		c.Wait()
		close(ended)
		e.mu.Lock()
		e.life.Close()
		closed := e.closed
		if !closed {
			e.ended = nil
		}
		e.mu.Unlock()
		if !closed { // it crashed; the next request gets another one
			e.watch()
		}
	}(e.ended)
	return nil
}

// without leaves out what is secret: an engine that computes wants none of it.
func without(all []string) (rest []string) {
	for _, kv := range all {
		if name, _, _ := strings.Cut(kv, "="); !environ.IsSecret(name) {
			rest = append(rest, kv)
		}
	}
	return rest
}

func (e *Endpoint) inProcess() (*local.Server, error) {
	ln, err := net.FileListener(e.listener)
	if err != nil {
		return nil, err
	}
	return start(context.Background(), ln, e.Key, e.Folder)
}

func start(ctx context.Context, ln net.Listener, key, folder string) (*local.Server, error) {
	o := engine.Options{}
	if folder != "" {
		o.Store = local.FolderStore(folder, 1<<30)
	}
	return local.Start(ctx, local.Options{Listener: ln, Key: key, Handler: engine.Handler(o), StoreDir: folder})
}

// Close leaves the process, which ends when nobody wants a job or a result of it. It waits a
// moment for one that has none.
func (e *Endpoint) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	ended, here := e.ended, e.here
	if ended == nil {
		e.wake.Close()
	} else {
		e.life.Close()
	}
	e.mu.Unlock()
	if ended != nil {
		e.listener.Close()
		select {
		case <-ended:
			os.RemoveAll(e.Folder) // it did, unless it crashed
			os.Remove(e.Folder + ".lock")
		case <-time.After(300 * time.Millisecond): // it has jobs, and the folder is its
		}
		return e.folder.Leave()
	}
	var err error
	if here != nil {
		err = here.Close()
	}
	return errors.Join(err, e.listener.Close(), e.folder.Close())
}

// Outlived is what the process does with a kernel that has gone.
type Outlived struct {
	// Keep notes the address and key, so that another kernel finds the endpoint; what it
	// returns takes that back.
	Keep func(address, key string) (forget func(), err error)
	// After is how long the result of a training is kept after its job, and what a
	// cancelled one left: RunPod keeps results for 30 minutes.
	After time.Duration
}

// Serve runs the process. It returns when the kernel is gone, no job runs and no result of
// a training is kept, or after a SIGTERM.
func Serve(ctx context.Context, o Outlived) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	key, folder := os.Getenv(envKey), os.Getenv(envFolder)
	if key == "" {
		return errors.New("the kernel calls this; gopherpod local serves an endpoint")
	}
	file := os.NewFile(fdListener, "listener")
	ln, err := net.FileListener(file)
	if err != nil {
		return fmt.Errorf("embedded: %w", err)
	}
	file.Close()
	if folder != "" {
		defer func() {
			os.RemoveAll(folder)
			os.Remove(folder + ".lock")
		}()
	}
	server, err := start(ctx, ln, key, folder)
	if err != nil {
		return err
	}
	defer server.Close()
	gone := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin) // until the kernel is
		close(gone)
	}()
	select {
	case <-gone:
	case <-ctx.Done():
	}
	if ctx.Err() != nil || !wanted(server, o.After) {
		return nil
	}
	forget, err := o.Keep(server.BaseURL(), key)
	if err != nil {
		return err
	}
	defer forget()
	for wanted(server, o.After) {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(min(o.After, 10*time.Second)):
		}
		debug.FreeOSMemory() // it may be long that nobody asks
	}
	return nil
}

// wanted reports whether a job runs, or a training has ended so lately that its result is
// kept. A training that ended just before its kernel was killed may be all that the user
// has of it.
func wanted(s *local.Server, after time.Duration) bool {
	h := s.Health()
	return h.Jobs.InProgress+h.Jobs.InQueue > 0 || time.Since(s.LastResult()) < after
}
