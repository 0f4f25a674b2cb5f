// Package display shows rich output in a notebook cell: HTML, Markdown, LaTeX,
// images, JSON, and whatever a value knows to show of itself.
//
//	display.HTML("<b>bold</b>")
//	h := display.Markdown("working ...")
//	h.Update(display.Data{"text/markdown": "done"})
//
// Outside a notebook the calls do nothing, so that code which uses them also
// runs as an ordinary program.
package display

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"sync/atomic"
)

// Data is one output in several representations: MIME type to content. Text
// types hold a string, images []byte, JSON types anything that encodes as JSON.
type Data map[string]any

// A Renderer shows itself as it likes.
type Renderer interface {
	Render() Data
}

// A Message is one output on its way to the notebook.
type Message struct {
	Data     Data
	Metadata map[string]any
	ID       string // names the display, so that it can be replaced
	Update   bool   // replace what ID shows
}

// A Sink takes output to a notebook. Its methods may be called from any
// goroutine; they find the cell by the goroutine that calls.
type Sink interface {
	Display(m Message)
	Clear(wait bool)
	// Format says how a value shows itself.
	Format(v any) Data
	// Input asks the person for a line.
	Input(prompt string, password bool) (string, error)
	// Context is the cell that calls, as a context.
	Context() context.Context
}

var (
	sink   atomic.Pointer[Sink]
	lastID atomic.Int64
)

// SetSink connects the package to a notebook. The session process calls it.
func SetSink(s Sink) { sink.Store(&s) }

// Context is the cell that calls, as a context: it is done when the cell is
// interrupted. Calls that take a context stop by it, on the other side of a
// network too. Outside a notebook it is context.Background().
//
//	model, err := train.Fit(display.Context(), spec, data, train.Options{})
func Context() context.Context {
	if s := sink.Load(); s != nil {
		return (*s).Context()
	}
	return context.Background()
}

// A Handle is one output that can be replaced.
type Handle struct{ id string }

// Show shows data as it is, with optional metadata, and returns its handle.
func Show(data Data, metadata map[string]any) Handle {
	h := Handle{fmt.Sprintf("display-%d", lastID.Add(1))}
	send(Message{Data: data, Metadata: metadata, ID: h.id})
	return h
}

func send(m Message) {
	if s := sink.Load(); s != nil {
		(*s).Display(m)
	}
}

// Update replaces what the handle shows. The zero Handle shows nothing.
func (h Handle) Update(data Data) {
	if h.id != "" {
		send(Message{Data: data, ID: h.id, Update: true})
	}
}

// Display replaces what the handle shows by the value.
func (h Handle) Display(v any) { h.Update(format(v)) }

// Display shows a value as the last expression of a cell would be shown.
func Display(v any) Handle { return Show(format(v), nil) }

func format(v any) Data {
	if d, ok := v.(Data); ok {
		return d
	}
	if s := sink.Load(); s != nil {
		return (*s).Format(v)
	}
	return nil
}

// Clear removes the output of the cell; with wait, when the next output comes.
func Clear(wait bool) {
	if s := sink.Load(); s != nil {
		(*s).Clear(wait)
	}
}

// ErrNobody says that there is nobody to ask: the notebook runs without a person,
// or the program is no notebook.
var ErrNobody = errors.New("display: nobody can be asked here")

// Input asks the person at the notebook for a line.
func Input(prompt string) (string, error) { return ask(prompt, false) }

// Password asks for a line that is not shown as it is typed.
func Password(prompt string) (string, error) { return ask(prompt, true) }

func ask(prompt string, password bool) (string, error) {
	if s := sink.Load(); s != nil {
		return (*s).Input(prompt, password)
	}
	return "", ErrNobody
}

// Text shows plain text.
func Text(text string) Handle { return Show(Data{"text/plain": text}, nil) }

// HTML shows HTML.
func HTML(html string) Handle { return rich("text/html", html, html) }

// Markdown shows Markdown.
func Markdown(text string) Handle { return rich("text/markdown", text, text) }

// LaTeX shows a formula, dollar signs included.
func LaTeX(text string) Handle { return rich("text/latex", text, text) }

// JavaScript runs a script in the front end, where that allows it.
func JavaScript(code string) Handle { return rich("text/javascript", code, code) }

// SVG shows an SVG document.
func SVG(svg string) Handle { return rich("image/svg+xml", svg, "an SVG image") }

// PNG shows an image that is encoded as PNG.
func PNG(b []byte) Handle { return rich("image/png", b, fmt.Sprintf("a PNG image, %d bytes", len(b))) }

// JPEG shows an image that is encoded as JPEG.
func JPEG(b []byte) Handle {
	return rich("image/jpeg", b, fmt.Sprintf("a JPEG image, %d bytes", len(b)))
}

// JSON shows a value as a tree. It panics where the value does not encode.
func JSON(v any) Handle {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return rich("application/json", json.RawMessage(b), string(b))
}

// Image shows an image. It panics where the image does not encode as PNG.
func Image(img image.Image) Handle { return Show(ImageData(img), nil) }

// ImageData is an image as PNG with a line of text.
func ImageData(img image.Image) Data {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	s := img.Bounds().Size()
	return Data{"image/png": b.Bytes(), "text/plain": fmt.Sprintf("%T, %d×%d", img, s.X, s.Y)}
}

func rich(mime string, content any, text string) Handle {
	return Show(Data{mime: content, "text/plain": text}, nil)
}
