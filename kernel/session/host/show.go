package host

import (
	"fmt"
	"image"
	"io"
	"maps"
	"reflect"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/display"
)

// Limits on how much of a value is shown automatically; Println shows everything.
const (
	maxElements = 200
	maxText     = 64 << 10
)

// bundle returns how to show values: that of a cell's last expression, or several if it
// is a call with several results. It leaves out a nil at the end, such as a nil error.
// The message has no data if there is nothing to show.
func (h *host) bundle(values ...any) display.Message {
	if n := len(values); n > 1 && values[n-1] == nil {
		values = values[:n-1]
	}
	if len(values) == 1 {
		if _, ok := values[0].(display.Handle); ok {
			return display.Message{} // the output that it refers to is already shown
		}
		return h.bundleOf(values[0])
	}
	var texts []string
	for _, v := range values {
		texts = append(texts, textOf(v))
	}
	return plain(strings.Join(texts, " "))
}

func plain(s string) display.Message { return display.Message{Data: display.MIMEMap{"text/plain": s}} }

func (h *host) bundleOf(v any) (out display.Message) {
	// The methods are the user's code. If one panics, only its representation is lost.
	defer func() {
		if r := recover(); r != nil {
			out = plain(fmt.Sprintf("%T (showing it panicked: %v)", v, r))
		}
	}()
	if d := own(v); len(d.Data) > 0 {
		if d.Data["text/plain"] == nil {
			d.Data = maps.Clone(d.Data)
			d.Data["text/plain"] = textOf(v)
		}
		return display.Message{Data: d.Data, Metadata: d.Metadata}
	}
	if m, ok := asMatrix(v); ok {
		return display.Message{Data: display.MIMEMap{"text/plain": m.text(), "text/html": m.html()}}
	}
	if img, ok := v.(image.Image); ok && !isNil(v) {
		return imageMessage(img)
	}
	if h.show != nil {
		if m, ok := h.show(v); ok {
			return m
		}
	}
	if svg, ok := plotSVG(v); ok {
		return display.Message{Data: display.MIMEMap{"image/svg+xml": svg, "text/plain": fmt.Sprintf("%T", v)}}
	}
	m := plain(textOf(v))
	if cyclic(v) {
		return m
	}
	if table, ok := asTable(v); ok {
		m.Data["text/html"] = table
	}
	return m
}

// maxPixels is the size of the largest image that is encoded automatically: 256 MB of
// RGBA.
const maxPixels = 64 << 20

// imageMessage shows an image as a picture, with exceptions: an image.Rectangle
// implements image.Image but is not a picture to users, and an image.Uniform is too
// large for any memory.
func imageMessage(img image.Image) display.Message {
	if r, ok := img.(image.Rectangle); ok {
		return plain(r.String())
	}
	b := img.Bounds()
	if b.Empty() || int64(b.Dx()) > maxPixels/int64(b.Dy()) {
		return plain(fmt.Sprintf("%T, %d×%d pixels: no picture of that size is shown", img, b.Dx(), b.Dy()))
	}
	return display.Message{Data: display.ImageData(img)}
}

// own returns the representations that the value's own methods offer.
func own(v any) display.Message {
	if isNil(v) {
		return display.Message{}
	}
	d := display.MIMEMap{}
	switch v := v.(type) {
	case display.Message:
		return v
	case display.Renderer:
		return v.Render()
	case display.SimpleRenderer:
		return display.Message{Data: v.SimpleRender()}
	}
	if v, ok := v.(display.HTMLer); ok {
		d["text/html"] = v.HTML()
	}
	if v, ok := v.(display.JavaScripter); ok {
		d["text/javascript"] = v.JavaScript()
	}
	if v, ok := v.(display.JPEGer); ok {
		d["image/jpeg"] = v.JPEG()
	}
	if v, ok := v.(display.JSONer); ok {
		d["application/json"] = v.JSON()
	}
	if v, ok := v.(display.Latexer); ok {
		d["text/latex"] = v.Latex()
	}
	if v, ok := v.(display.Markdowner); ok {
		d["text/markdown"] = v.Markdown()
	}
	if v, ok := v.(display.PNGer); ok {
		d["image/png"] = v.PNG()
	}
	if v, ok := v.(display.PDFer); ok {
		d["application/pdf"] = v.PDF()
	}
	if v, ok := v.(display.SVGer); ok {
		d["image/svg+xml"] = v.SVG()
	}
	return display.Message{Data: d}
}

func isNil(v any) bool {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan, reflect.Interface:
		return r.IsNil()
	}
	return false
}

// plotSVG draws a plot of gonum/plot. It recognizes the plot by its method WriterTo,
// so that the session does not link the package unless a cell needs it.
func plotSVG(v any) (string, bool) {
	if isNil(v) {
		return "", false
	}
	m := reflect.ValueOf(v).MethodByName("WriterTo")
	if !m.IsValid() {
		return "", false
	}
	t := m.Type()
	if t.NumIn() != 3 || t.NumOut() != 2 || t.In(0).Kind() != reflect.Float64 || t.In(1) != t.In(0) || t.In(2).Kind() != reflect.String {
		return "", false
	}
	const w, h = 432.0, 288.0 // points: 6 by 4 inches
	out := m.Call([]reflect.Value{reflect.ValueOf(w).Convert(t.In(0)), reflect.ValueOf(h).Convert(t.In(0)), reflect.ValueOf("svg")})
	wt, ok := out[0].Interface().(io.WriterTo)
	if !ok || !out[1].IsNil() {
		return "", false
	}
	var b strings.Builder
	if _, err := wt.WriteTo(&b); err != nil {
		return "", false
	}
	return b.String(), true
}

// textOf returns a value as text: structs with field names, long slices and maps
// shortened, and the rest as fmt prints it.
func textOf(v any) (s string) {
	defer func() {
		if r := recover(); r != nil {
			s = fmt.Sprintf("%T (printing it panicked: %v)", v, r)
		}
	}()
	if m, ok := asMatrix(v); ok {
		return m.text()
	}
	if s = cycleText(v); s == "" {
		s = printed(v)
	}
	if len(s) > maxText {
		s = fmt.Sprintf("%s … (%d bytes more)", strings.ToValidUTF8(s[:maxText], ""), len(s)-maxText)
	}
	return s
}

func printed(v any) string {
	switch v.(type) {
	case error, fmt.Stringer, fmt.Formatter:
		return fmt.Sprintf("%v", v)
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Slice, reflect.Array:
		if n := r.Len(); n > maxElements {
			return fmt.Sprintf("%s … (%d elements)", strings.TrimSuffix(fmt.Sprintf("%+v", elements(r, maxElements/2)), "]"), n)
		}
	case reflect.Map:
		if n := r.Len(); n > maxElements {
			part := reflect.MakeMap(r.Type())
			for it := r.MapRange(); part.Len() < maxElements/2 && it.Next(); {
				part.SetMapIndex(it.Key(), it.Value())
			}
			return fmt.Sprintf("%s … (%d entries)", strings.TrimSuffix(fmt.Sprintf("%+v", part), "]"), n)
		}
	}
	return fmt.Sprintf("%+v", v)
}

// elements returns the first n elements of a slice or array.
func elements(r reflect.Value, n int) any {
	if r.Kind() == reflect.Slice {
		return r.Slice(0, n).Interface()
	}
	s := reflect.MakeSlice(reflect.SliceOf(r.Type().Elem()), n, n)
	reflect.Copy(s, r)
	return s.Interface()
}
