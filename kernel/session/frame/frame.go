// Package frame is the protocol between the kernel process and the session process:
// frames on two private pipes.
//
//	frame    = length body
//	length   = 4 bytes, big endian, bytes of body, at most MaxBody
//	body     = one msgpack map: a Command (kernel to session) or an Event
//
// Markers keep events in order with the text on the session's standard streams:
// before an Event with Seq n the session writes Mark(token, n) to both streams. The
// kernel reads both up to the marker, then handles the event.
package frame

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/gopherpod/gopherpod/kernel/display"
)

// Version is the version of the protocol. It changes when the kernel can no longer
// work with an older session program.
const Version = 3

// MaxBody is the largest size of a frame's body, and so of a single output of a cell.
const MaxBody = 1 << 30

// Operations of a Command.
const (
	Run       = "run"       // load File and run Entry as execution ID; without File call the method Name, x.y.Method
	Library   = "library"   // load File as execution ID and initialize its packages except Names
	Magic     = "magic"     // run the magic Name as execution ID
	Interrupt = "interrupt" // stop execution ID
	Answer    = "answer"    // to an Event with a Reply number: Text or Err
	Vars      = "vars"      // list the variables
	Value     = "value"     // describe the value of the expression Text
	Complete  = "complete"  // complete the arguments of magic Name: Text, Pos
	Drop      = "drop"      // forget the variables Names
	Stdin     = "stdin"     // standard input is File, or nothing if it is empty
	Ping      = "ping"      // reply: the process is alive
	Args      = "args"      // os.Args is Names, or the process's own if it is empty; package flag begins with no flags
)

// Operations of an Event.
const (
	Ready   = "ready"   // the session process is up: Magics
	Started = "started" // execution ID begins: the streams are its own from here
	Done    = "done"    // execution ID is over: Failure, timings, Name (the working folder), Text (for a Library, the package that failed)
	Held    = "held"    // execution ID was interrupted, and goes on until it is over or interrupted again
	Result  = "result"  // the value of the last expression: Message
	Display = "display" // Message
	Clear   = "clear"   // clear the output; Update: wait
	Stream  = "stream"  // Text to stream Name of an execution that is over
	Panic   = "panic"   // a goroutine of execution ID panicked: Failure
	Define  = "define"  // make variable Name of type Text, imports Imports; Reply
	Input   = "input"   // ask the user: Text is the prompt; Update: a password; Reply
	Reply   = "reply"   // to a Command with a Reply number
)

// A Command goes from the kernel to the session.
type Command struct {
	Op          string   `msgpack:"o"`
	ID          int      `msgpack:"i,omitempty"`
	Count       int      `msgpack:"c,omitempty"`
	Reply       int      `msgpack:"r,omitempty"`
	File        string   `msgpack:"f,omitempty"`
	Entry       string   `msgpack:"e,omitempty"`
	Name        string   `msgpack:"n,omitempty"`
	Text        string   `msgpack:"t,omitempty"`
	Body        string   `msgpack:"b,omitempty"`
	Err         string   `msgpack:"x,omitempty"`
	Pos         int      `msgpack:"p,omitempty"`
	Names       []string `msgpack:"ns,omitempty"`
	IsCell      bool     `msgpack:"ic,omitempty"`
	Interactive bool     `msgpack:"in,omitempty"`
	Timers      bool     `msgpack:"tm,omitempty"` // cells use timers: waiting is not a deadlock
	Renewed     bool     `msgpack:"rn,omitempty"` // the packages of a Library replace earlier copies
}

// An Event goes from the session to the kernel.
type Event struct {
	Op      string            `msgpack:"o"`
	Seq     uint32            `msgpack:"s,omitempty"`
	ID      int               `msgpack:"i,omitempty"`
	Reply   int               `msgpack:"r,omitempty"`
	Name    string            `msgpack:"n,omitempty"`
	Text    string            `msgpack:"t,omitempty"`
	Err     string            `msgpack:"x,omitempty"`
	Update  bool              `msgpack:"u,omitempty"`
	Message *display.Message  `msgpack:"d,omitempty"` // packed: see Pack
	Imports map[string]string `msgpack:"im,omitempty"`
	Failure *Failure          `msgpack:"fl,omitempty"`
	Magics  []MagicInfo       `msgpack:"mg,omitempty"`
	Vars    []VarInfo         `msgpack:"v,omitempty"`
	Matches []string          `msgpack:"ma,omitempty"`
	Start   int               `msgpack:"st,omitempty"`
	Micros  [3]int64          `msgpack:"us,omitempty"` // mapping, initialising, running
	PID     int               `msgpack:"pid,omitempty"`
	Env     []string          `msgpack:"en,omitempty"` // NAME=value: the variables that have changed in the environment
	Version int               `msgpack:"ve,omitempty"`
}

// A Failure is why an execution ended early.
type Failure struct {
	Kind    string  `msgpack:"k"` // one of the Failed constants
	Text    string  `msgpack:"t,omitempty"`
	Frames  []Frame `msgpack:"f,omitempty"`
	Omitted int     `msgpack:"om,omitempty"`
	Code    int     `msgpack:"co,omitempty"` // of os.Exit
}

// Kinds of Failure.
const (
	FailedPanic       = "panic"
	FailedError       = "error" // returned by a magic
	FailedUsage       = "usage" // a magic.UsageError
	FailedInterrupted = "interrupted"
	FailedAbandoned   = "abandoned" // interrupted, but its goroutine did not stop
	FailedExit        = "exit"      // runtime.Goexit
	FailedExited      = "exited"    // os.Exit(Code); Text is the message of log.Fatal
	FailedLoad        = "load"      // the shared object does not fit
)

// A Frame is one call of the user's code.
type Frame struct {
	Func string `msgpack:"n"`
	File string `msgpack:"f"`
	Line int    `msgpack:"l"`
}

// MagicInfo describes a magic that the session offers. Kind is a set of
// magic.Kind bits.
type MagicInfo struct {
	Name      string `msgpack:"n"`
	Kind      uint8  `msgpack:"k"`
	Summary   string `msgpack:"s"`
	Help      string `msgpack:"h"`
	Completes bool   `msgpack:"c"`
}

// VarInfo describes a variable.
type VarInfo struct {
	Name  string `msgpack:"n"`
	Type  string `msgpack:"t"`
	Shape string `msgpack:"s,omitempty"` // 3x4, len 12, ...
	Bytes int64  `msgpack:"b,omitempty"` // estimated size of the value
	Text  string `msgpack:"v,omitempty"` // the value, shortened
}

// Write writes one frame in one call of w.Write.
func Write(w io.Writer, v any) error {
	body, err := msgpack.Marshal(v)
	if err != nil {
		return fmt.Errorf("frame: %w", err)
	}
	if len(body) > MaxBody {
		return fmt.Errorf("frame: %d bytes, the limit is %d", len(body), MaxBody)
	}
	b := make([]byte, 4+len(body))
	binary.BigEndian.PutUint32(b, uint32(len(body)))
	copy(b[4:], body)
	_, err = w.Write(b)
	return err
}

// Read reads one frame into v. It returns io.EOF only between frames.
func Read(r *bufio.Reader, v any) error {
	var n [4]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return err
	}
	size := binary.BigEndian.Uint32(n[:])
	if size > MaxBody {
		return fmt.Errorf("frame: %d bytes announced, the limit is %d", size, MaxBody)
	}
	// The buffer grows as bytes arrive, because the length may be wrong.
	body, err := io.ReadAll(io.LimitReader(r, int64(size)))
	if err != nil {
		return fmt.Errorf("frame: %w", err)
	}
	if len(body) < int(size) {
		return fmt.Errorf("frame: %w", io.ErrUnexpectedEOF)
	}
	if err := msgpack.Unmarshal(body, v); err != nil {
		return fmt.Errorf("frame: %w", err)
	}
	return nil
}

// markStart cannot be part of text, and the token cannot be guessed.
const markStart = "\x1egp:"

// ErrToken reports a token that is not TokenSize bytes long.
var ErrToken = errors.New("frame: want a token of 16 characters")

// TokenEnv names the environment variable with the token.
const TokenEnv = "GOPHERPOD_SESSION_TOKEN"

// TokenSize is the length of the secret that identifies markers.
const TokenSize = 16

// MarkSize is the length of a marker.
const MarkSize = len(markStart) + TokenSize + 8

// Mark returns the marker of event seq.
func Mark(token string, seq uint32) []byte {
	return fmt.Appendf(nil, "%s%s%08x", markStart, token, seq)
}

// MarkPrefix returns the bytes that every marker starts with.
func MarkPrefix(token string) string { return markStart + token }
