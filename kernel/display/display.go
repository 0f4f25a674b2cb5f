// Package display shows rich output in a notebook cell: HTML, Markdown, LaTeX,
// images, JSON, and values that show themselves.
//
//	display.HTML("<b>bold</b>")
//	h := display.Markdown("working ...")
//	h.Update(display.MIMEMap{"text/markdown": "done"})
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
	"maps"
	"sync/atomic"
)

// MIMEMap is one output in several representations: MIME type to content. Text
// types hold a string, images []byte, JSON types anything that encodes as JSON.
type MIMEMap = map[string]any

// A Message is one output. It may not be shown yet (as the last expression of a cell,
// an argument of Display or the result of a Renderer), or it is on its way to the
// notebook: the type is the same from the value to the Jupyter message.
type Message struct {
	Data MIMEMap
	// Metadata is keyed by MIME type; other keys are for programs that read the notebook.
	Metadata MIMEMap
	// ID names the display, so that it can be replaced.
	ID string
	// Update replaces what ID shows.
	Update bool
	// Transient is not used; programs written for gophernotes set it.
	Transient MIMEMap
}

// Data is gophernotes' name for a Message.
type Data = Message

// Text returns the text/plain of the message, or "" if it has none.
func (m Message) Text() string {
	s, _ := m.Data[MIMETypeText].(string)
	return s
}

// A Sink takes output to a notebook. Its methods may be called from any
// goroutine; they identify the cell by the calling goroutine.
type Sink interface {
	Display(m Message)
	Clear(wait bool)
	// Format returns how a value shows itself: data and metadata of a message.
	Format(v any) Message
	// Input asks the user for a line.
	Input(prompt string, password bool) (string, error)
	// Context returns the context of the calling cell.
	Context() context.Context
}

var (
	sink   atomic.Pointer[Sink]
	lastID atomic.Int64
)

// SetSink connects the package to a notebook. The session process calls it.
func SetSink(s Sink) { sink.Store(&s) }

// Context returns the context of the calling cell, which is done when the cell
// is interrupted. Calls that get it stop then, even across a network. Outside a
// notebook, Context returns context.Background().
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
func Show(data MIMEMap, metadata map[string]any, options ...Option) Handle {
	h := Handle{fmt.Sprintf("display-%d", lastID.Add(1))}
	send(Message{Data: data, Metadata: metadata, ID: h.id}, options...)
	return h
}

// An Option changes a message before it is shown.
type Option func(*Message)

// Caption describes a picture, below it and for screen readers, and replaces it in
// viewers that show no pictures.
//
//	display.Image(img, display.Caption("the first ten digits of the file"))
func Caption(text string) Option {
	return func(m *Message) {
		for _, mime := range images {
			if m.Data[mime] == nil {
				continue
			}
			m.Data = maps.Clone(m.Data)
			m.Data["text/plain"] = text
			m.describe(mime, text)
		}
	}
}

func send(m Message, options ...Option) {
	for _, option := range options {
		option(&m)
	}
	if s := sink.Load(); s != nil {
		(*s).Display(m)
	}
}

// Update replaces what the handle shows. The zero Handle shows nothing.
func (h Handle) Update(data MIMEMap) {
	if h.id != "" {
		send(Message{Data: data, ID: h.id, Update: true})
	}
}

// Display replaces what the handle shows with the value.
func (h Handle) Display(v any, options ...Option) {
	if h.id != "" {
		m := format(v)
		m.ID, m.Update = h.id, true
		send(m, options...)
	}
}

// Display shows a value as the last expression of a cell would be shown.
func Display(v any, options ...Option) Handle {
	if h, ok := v.(Handle); ok { // shown already
		return h
	}
	m := format(v)
	return Show(m.Data, m.Metadata, options...)
}

func format(v any) Message {
	if m, ok := v.(Message); ok {
		return Message{Data: m.Data, Metadata: m.Metadata}
	}
	if s := sink.Load(); s != nil {
		return (*s).Format(v)
	}
	return Message{}
}

// Clear removes the output of the cell: at once or, with wait, when the next
// output arrives.
func Clear(wait bool) {
	if s := sink.Load(); s != nil {
		(*s).Clear(wait)
	}
}

// ErrNobody is returned if there is no user to ask: the notebook runs unattended, or
// the program is not a notebook.
var ErrNobody = errors.New("display: no front end to ask here")

// Input asks the user at the notebook for a line.
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
func Text(text string) Handle { return Show(MIMEMap{"text/plain": text}, nil) }

// HTML shows HTML.
func HTML(html string) Handle { return rich("text/html", html, html) }

// Markdown shows Markdown.
func Markdown(text string) Handle { return rich("text/markdown", text, text) }

// LaTeX shows a formula, dollar signs included.
func LaTeX(text string) Handle { return rich("text/latex", text, text) }

// JavaScript runs a script in the front end, if the front end allows it.
func JavaScript(code string) Handle { return rich("text/javascript", code, code) }

// SVG shows an SVG document. An untrusted notebook does not show it, and neither
// does VS Code; an Image or a plot is shown everywhere.
func SVG(svg string, options ...Option) Handle {
	return Show(MIMEMap{"image/svg+xml": svg, "text/plain": "an SVG image"}, nil, options...)
}

// PNG shows an image that is encoded as PNG.
func PNG(b []byte, options ...Option) Handle { return encoded("image/png", "PNG", b, options) }

// JPEG shows an image that is encoded as JPEG.
func JPEG(b []byte, options ...Option) Handle { return encoded("image/jpeg", "JPEG", b, options) }

func encoded(mime, name string, b []byte, options []Option) Handle {
	text := fmt.Sprintf("a %s image of %d bytes", name, len(b))
	if c, _, err := image.DecodeConfig(bytes.NewReader(b)); err == nil {
		text = fmt.Sprintf("a %s image of %d×%d pixels", name, c.Width, c.Height)
	}
	return Show(MIMEMap{mime: b, "text/plain": text}, nil, options...)
}

// JSON shows a value as a tree. It panics if v does not encode.
func JSON(v any) Handle {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return rich("application/json", json.RawMessage(b), string(b))
}

// Image shows an image. It panics if img does not encode as PNG.
func Image(img image.Image, options ...Option) Handle { return Show(ImageData(img), nil, options...) }

// ImageData returns an image as PNG, with a line of text.
func ImageData(img image.Image) MIMEMap {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	s := img.Bounds().Size()
	return MIMEMap{"image/png": b.Bytes(), "text/plain": fmt.Sprintf("an image of %d×%d pixels (%T)", s.X, s.Y, img)}
}

func rich(mime string, content any, text string) Handle {
	return Show(MIMEMap{mime: content, "text/plain": text}, nil)
}
