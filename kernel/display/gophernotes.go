package display

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// What follows is the rest of what gophernotes' package display offers, so that its
// notebooks run. There a function returns Data that the notebook shows where it is
// the last expression of a cell; here it is shown at once, and Display of what it
// returns shows nothing more.

// MIMEMap is Data: there the data of an output, and what SimpleRender returns.
type MIMEMap = Data

// MakeData is a value of one type, with its text.
func MakeData(mime string, v any) Data { return MakeData3(mime, fmt.Sprint(v), v) }

// MakeData3 is a value of one type with another text.
func MakeData3(mime, text string, v any) Data {
	d := Data{"text/plain": text}
	d[mime] = v
	return d
}

// MIME shows data with metadata.
func MIME(data, metadata MIMEMap) Handle { return Show(data, metadata) }

// Any shows a value as the given type: text, bytes, what a reader gives or a
// WriterTo writes, anything else by itself. An empty type is found out from the
// bytes. It panics where the value cannot be read.
func Any(mime string, v any) Handle {
	b, text := []byte(nil), ""
	switch v := v.(type) {
	case string:
		if mime == "" {
			return Text(v)
		}
		return Show(MakeData(mime, v), nil)
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
		return Show(MakeData3(mime, text, text), nil)
	case mime == "application/json":
		return Show(MakeData3(mime, string(b), json.RawMessage(b)), nil)
	}
	return Show(MakeData3(mime, fmt.Sprintf("%s, %d bytes", mime, len(b)), b), nil)
}

// Auto shows a value, and finds out the type of bytes.
func Auto(v any) Handle { return Any("", v) }

// File shows a file. It panics where it cannot be read.
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

// PDF shows a PDF document, where the front end can.
func PDF(b []byte) Handle { return encoded("application/pdf", "PDF", b, nil) }
