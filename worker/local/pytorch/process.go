package pytorch

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gopherpod/gopherpod/tensors/environ"
	"github.com/gopherpod/gopherpod/tensors/printable"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/local"
)

// grace is how long a process may take to stop after its input was closed, before it is
// killed with all that it started: isolated.GRACE of the worker.
const grace = 10 * time.Second

// The environment variables of a process, which the worker reads.
const (
	envAllow  = "GOPHERPOD_ALLOW_CODE"
	envInside = "GOPHERPOD_CODE_PROCESS"
	envStore  = "GOPHERPOD_STORE"
	envPath   = "PYTHONPATH"
)

// A process runs one job: python -m gopherpod_worker.one. The end of its input asks it to
// stop.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	ended chan struct{} // closed when it is gone

	last local.Tail // of what it wrote to standard error
}

// begin starts a process. It loads PyTorch and waits for a job.
func begin(python, source, store string) (*process, error) {
	p := &process{ended: make(chan struct{})}
	p.cmd = exec.Command(python, "-P", "-m", "gopherpod_worker.one")
	p.cmd.Env = environment(filepath.Join(source, "worker", "pytorch"), store)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Stderr = &p.last // its end may say why it crashed
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	// The pipe is ours and not StdoutPipe's, because a child of the process may keep it open.
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout = w
	p.cmd.WaitDelay = time.Second
	err = p.cmd.Start()
	w.Close()
	if err != nil {
		r.Close()
		return nil, err
	}
	p.in, p.out = in, bufio.NewReaderSize(r, 1<<20)
	go func() {
		p.cmd.Wait()
		p.signal(syscall.SIGKILL) // what it started
		close(p.ended)
		<-time.After(grace) // what it wrote is still read
		r.Close()
	}()
	return p, nil
}

// environment returns that of this process, without secrets and what belongs to RunPod.
func environment(folder, store string) []string {
	var env []string
	path := folder
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		switch {
		case environ.IsSecret(name), strings.HasPrefix(name, "RUNPOD_"), name == envStore:
		case name == envPath:
			path += string(filepath.ListSeparator) + value
		default:
			env = append(env, kv)
		}
	}
	env = append(env, envAllow+"=1", envInside+"=1", envPath+"="+path, "PYTHONUNBUFFERED=1")
	if store != "" {
		env = append(env, envStore+"="+store)
	}
	return env
}

func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

func (p *process) signal(s syscall.Signal) { syscall.Kill(-p.cmd.Process.Pid, s) }

// kill ends the process and all that it started.
func (p *process) kill() {
	p.in.Close()
	p.signal(syscall.SIGKILL)
}

// stop asks the process to end, and kills it if it has not ended in time.
func (p *process) stop() {
	p.in.Close()
	select {
	case <-p.ended:
	case <-time.After(grace):
		p.kill()
		<-p.ended
	}
}

// A message is a line of the process.
type message struct {
	Value json.RawMessage `json:"value"` // an event, or the answer
	Keep  bool            `json:"keep"`  // whether it belongs to the final output
	End   bool            `json:"end"`
}

// run gives the process its job, and yields its events. It returns the final output.
func (p *process) run(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
	defer p.stop()
	cancelled := context.AfterFunc(ctx, p.stop)
	defer cancelled()
	streams := streams(job.Input)
	if err := p.send(job); err != nil && ctx.Err() == nil && p.alive() {
		return nil, fmt.Errorf("pytorch: the job cannot be handed over: %w", err)
	}
	kept := [][]byte{}
	for {
		m, err := p.next()
		switch {
		case ctx.Err() != nil:
			<-p.ended // it leaves its weights in the store first
			return nil, context.Cause(ctx)
		case err != nil:
			return nil, p.crashed()
		case m.End && streams:
			return append(append([]byte{'['}, bytes.Join(kept, []byte{','})...), ']'), nil
		case m.End:
			return nil, p.crashed()
		}
		if err := failure(m.Value); err != nil {
			return nil, err
		}
		if !streams {
			return m.Value, nil
		}
		if m.Keep {
			kept = append(kept, m.Value)
		}
		if err := yield(m.Value); err != nil {
			return nil, err
		}
	}
}

// streams reports whether a job has events.
func streams(input []byte) bool {
	op := read(input).Operation
	return op == worker.OpTrain || op == worker.OpCollect
}

func (p *process) send(job worker.Job) error {
	line, err := json.Marshal(job)
	if err != nil {
		return err
	}
	_, err = p.in.Write(append(line, '\n'))
	return err
}

// next returns the next message. What is none is passed over: the code may have written it.
func (p *process) next() (m message, err error) {
	for {
		line, err := p.out.ReadBytes('\n')
		if err != nil {
			return m, err
		}
		m = message{}
		if json.Unmarshal(line, &m) == nil && (m.End || len(m.Value) > 0 && m.Value[0] == '{') {
			return m, nil
		}
	}
}

// failure returns the error of an answer {"error": text}, where the text is a worker.Error
// as JSON.
func failure(value json.RawMessage) error {
	var answer struct {
		Error *string `json:"error"`
	}
	if !bytes.HasPrefix(value, []byte(`{"error"`)) || json.Unmarshal(value, &answer) != nil || answer.Error == nil {
		return nil
	}
	e := &worker.Error{}
	if json.Unmarshal([]byte(*answer.Error), e) != nil || e.Kind == "" {
		return errors.New(*answer.Error)
	}
	return e
}

// crashed returns the error of a process that ended without an answer.
func (p *process) crashed() error {
	p.stop()
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	e := &worker.Error{Kind: worker.ErrInvalid, Field: "model_config.source"}
	switch {
	case status.Signaled() && status.Signal() == syscall.SIGKILL:
		e.Kind, e.Message = worker.ErrMemory, "the process with the body's code was killed, as happens if memory runs out"
	case status.Signaled():
		e.Message = fmt.Sprintf("the body's code ended its process by the signal %v, before the job was done", status.Signal())
	default:
		e.Message = fmt.Sprintf("the body's code ended its process with exit status %d, before the job was done", status.ExitStatus())
	}
	if line := p.last.Line(); line != "" {
		e.Message += "; its last line: " + printable.Text(line)
	}
	return e
}
