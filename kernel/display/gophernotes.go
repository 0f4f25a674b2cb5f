package display

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// This file has the rest of what gophernotes' package display offers, so that
// notebooks written for gophernotes run. There, a function returns Data, which the
// notebook shows if it is the last expression of a cell. Here, the function shows it
// at once, and passing its result to Display shows nothing more.

// MIME types that a front end can show.
const (
	MIMETypeHTML       = "text/html"
	MIMETypeJavaScript = "application/javascript"
	MIMETypeJPEG       = "image/jpeg"
	MIMETypeJSON       = "application/json"
	MIMETypeLatex      = "text/latex"
	MIMETypeMarkdown   = "text/markdown"
	MIMETypePNG        = "image/png"
	MIMETypePDF        = "application/pdf"
	MIMETypeSVG        = "image/svg+xml"
	MIMETypeText       = "text/plain"
)

// Interfaces of types that show themselves. All representations that a value offers are
// sent, and the front end picks one to show. Renderer, then SimpleRenderer, take
// precedence.
type (
	// Renderer gives data and metadata.
	Renderer = interface{ Render() Data }
	// SimpleRenderer gives data.
	SimpleRenderer = interface{ SimpleRender() MIMEMap }
	// HTMLer gives HTML.
	HTMLer = interface{ HTML() string }
	// JavaScripter gives a script.
	JavaScripter = interface{ JavaScript() string }
	// JPEGer gives an encoded image.
	JPEGer = interface{ JPEG() []byte }
	// JSONer gives a tree.
	JSONer = interface{ JSON() map[string]any }
	// Latexer gives LaTeX, dollar signs included.
	Latexer = interface{ Latex() string }
	// Markdowner gives Markdown.
	Markdowner = interface{ Markdown() string }
	// PNGer gives an encoded image.
	PNGer = interface{ PNG() []byte }
	// PDFer gives a document.
	PDFer = interface{ PDF() []byte }
	// SVGer gives an SVG document.
	SVGer = interface{ SVG() string }
)

// MakeData returns a value as data of one MIME type, with its text.
func MakeData(mime string, v any) Data { return MakeData3(mime, fmt.Sprint(v), v) }

// MakeData3 is MakeData with another text.
func MakeData3(mime, text string, v any) Data {
	d := MIMEMap{"text/plain": text}
	d[mime] = v
	return Data{Data: d}
}

// Bytes shows bytes as the given type.
func Bytes(mime string, b []byte) Handle { return Any(mime, b) }

// String shows text as the given type.
func String(mime, s string) Handle { return Any(mime, s) }

// MIME shows data with metadata.
func MIME(data, metadata MIMEMap) Handle { return Show(data, metadata) }

// Any shows text, bytes, or the content of a reader or a WriterTo as the given
// MIME type. It shows any other value as Display does. If the type is empty,
// Any detects it from the bytes. It panics if v cannot be read.
func Any(mime string, v any) Handle {
	b, text := []byte(nil), ""
	switch v := v.(type) {
	case string:
		if mime == "" {
			return Text(v)
		}
		return Display(MakeData(mime, v))
	case []byte:
		b = v
	case io.Reader:
		all, err := io.ReadAll(v)
		if err != nil {
			panic(err)
		}
		b = all
	case io.WriterTo:
		var w strings.Builder
		if _, err := v.WriteTo(&w); err != nil {
			panic(err)
		}
		b = []byte(w.String())
	default:
		return Display(v)
	}
	if mime == "" {
		mime = http.DetectContentType(b)
	}
	mime, _, _ = strings.Cut(mime, ";")
	switch {
	case strings.HasPrefix(mime, "text/") || mime == "image/svg+xml":
		text = string(b)
		return Display(MakeData3(mime, text, text))
	case mime == "application/json":
		return Display(MakeData3(mime, string(b), json.RawMessage(b)))
	}
	return Display(MakeData3(mime, fmt.Sprintf("%s, %d bytes", mime, len(b)), b))
}

// Auto shows a value, and detects the type of bytes.
func Auto(v any) Handle { return Any("", v) }

// File shows a file. It panics if the file cannot be read.
func File(mime, path string) Handle {
	b, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return Any(mime, b)
}

// Latex shows a formula within a line.
func Latex(formula string) Handle {
	return rich("text/latex", "$"+strings.Trim(formula, "$")+"$", formula)
}

// Math shows a formula on a line of its own.
func Math(formula string) Handle {
	return rich("text/latex", "$$"+strings.Trim(formula, "$")+"$$", formula)
}

// PDF shows a PDF document, if the front end can show it.
func PDF(b []byte) Handle { return encoded("application/pdf", "PDF", b, nil) }
