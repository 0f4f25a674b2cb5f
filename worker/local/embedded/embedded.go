// Package embedded runs the endpoint of a kernel in a separate process. The process
// starts with the first request. After the kernel has exited, it continues until its jobs
// have ended and, after a training, until 30 minutes have passed. So a training continues
// if the kernel is killed or restarted, its result is kept, as on RunPod, and
// %runpod_attach finds it.
//
// The kernel listens and hands the socket over at the first request, so a notebook that
// does not train needs no process.
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
	"github.com/gopherpod/gopherpod/worker/local/pytorch"
)

// The environment variables of the process. It also inherits files.
const (
	envKey    = "GOPHERPOD_EMBEDDED_KEY"
	envFolder = "GOPHERPOD_EMBEDDED_FOLDER"
)

// The inherited files.
const (
	fdListener = 3
	fdLock     = 4 // of the folder; only kept open
)

// An Endpoint is the kernel's side of the endpoint.
type Endpoint struct {
	URL    string // "http://127.0.0.1:4321"
	Key    string
	Folder string // to which the session writes data; "" if there is none

	program  string
	args     []string
	listener *os.File
	folder   *local.Folder

	mu     sync.Mutex
	closed bool
	wake   *os.File // closed to stop waiting for a request
	life   *os.File // closed to tell the process that the kernel is gone
	ended  chan struct{}
	here   *local.Server // set if no process could be started
}

// Begin listens on a free port. At the first request it starts the program with
// args, which has to call Serve.
func Begin(program string, args ...string) (*Endpoint, error) {
	folder, err := local.TemporaryFolder()
	if err != nil { // nowhere to write: requests carry the data
		folder = &local.Folder{}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("embedded: %w", err), folder.Close())
	}
	defer ln.Close() // file is a copy that continues to listen
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

// watch waits for a request in the background and then starts the process.
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
	if err := e.process(); err != nil { // serve in the kernel instead: jobs end with it
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
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // signals of the terminal and of Jupyter do not reach it
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
		if !closed { // it crashed; the next request starts another one
			e.watch()
		}
	}(e.ended)
	return nil
}

// without returns the environment without secrets, which the engine does not
// need.
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
	return start(context.Background(), ln, e.Key, e.Folder, PyTorch{})
}

// start serves jobs: those that need PyTorch in processes of their own, if it says where our
// source is, and the others on the engine.
func start(ctx context.Context, ln net.Listener, key, folder string, torch PyTorch) (*local.Server, error) {
	o := engine.Options{}
	if folder != "" {
		o.Store = local.FolderStore(folder, 1<<30)
	}
	handler := engine.Handler(o)
	if torch.Source != nil {
		handler = pytorch.Handler(pytorch.Options{Engine: handler, Source: torch.Source, Home: torch.Home, Store: folder})
	}
	return local.Start(ctx, local.Options{Listener: ln, Key: key, Handler: handler, StoreDir: folder})
}

// Close releases the process, which exits once it has no job and keeps no result. Close
// waits up to 0.3 s for a process that has neither.
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
			os.RemoveAll(e.Folder) // already removed, unless it crashed
			os.Remove(e.Folder + ".lock")
		case <-time.After(300 * time.Millisecond): // it has jobs or results and still uses the folder
		}
		return e.folder.Leave()
	}
	var err error
	if here != nil {
		err = here.Close()
	}
	return errors.Join(err, e.listener.Close(), e.folder.Close())
}

// Outlived configures what the process does when it outlives its kernel.
type Outlived struct {
	// Keep records the address and the key, so that another kernel finds the endpoint;
	// the function that it returns undoes that.
	Keep func(address, key string) (forget func(), err error)
	// After is how long the results of trainings, including cancelled ones, are
	// kept after the job has ended. RunPod keeps results for 30 minutes.
	After time.Duration
	// PyTorch says where the worker for models in Python is.
	PyTorch PyTorch
}

// A PyTorch says where our PyTorch worker is and which Python runs it. Without a Source, the
// endpoint runs on the Go engine alone.
type PyTorch struct {
	Source func() (string, error) // the folder of our source
	Home   string                 // the folder of the installation
}

// Serve runs the process. It returns when the kernel is gone, no job runs and no result of
// a training is kept, or after a SIGTERM or an interrupt.
func Serve(ctx context.Context, o Outlived) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	key, folder := os.Getenv(envKey), os.Getenv(envFolder)
	if key == "" {
		return errors.New("only the kernel starts this; to serve an endpoint, run gopherpod local")
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
	server, err := start(ctx, ln, key, folder, o.PyTorch)
	if err != nil {
		return err
	}
	defer server.Close()
	gone := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin) // until the kernel is gone
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
		debug.FreeOSMemory() // requests may be rare from now on
	}
	return nil
}

// wanted reports whether a job waits or runs, or the result of a training is still kept.
// If a training ended just before its kernel was killed, this may be the only copy of its
// result.
func wanted(s *local.Server, after time.Duration) bool {
	h := s.Health()
	return h.Jobs.InProgress+h.Jobs.InQueue > 0 || time.Since(s.LastResult()) < after
}
