package render

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"
	"sync/atomic"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// cssPixel is the CSS unit: 96 to the inch. Pictures are stored at twice that
// resolution, to be sharp on today's screens.
const (
	cssPixel   = vg.Inch / 96
	pngDensity = 2
)

var (
	ink      = color.NRGBA{0x22, 0x22, 0x22, 0xff}
	faint    = color.NRGBA{0x99, 0x99, 0x99, 0xff}
	gridline = color.NRGBA{0xe6, 0xe6, 0xe6, 0xff}
)

// A look is how a series is drawn. Dash and marker differ as well as the colour,
// for printers and for readers who cannot tell the colours apart.
type look struct {
	color  color.Color
	dashes []vg.Length
	marker draw.GlyphDrawer
}

// looks have the colours of Okabe and Ito, which readers with the common kinds of
// colour blindness can tell apart.
var looks = []look{
	{color.NRGBA{0x00, 0x72, 0xb2, 0xff}, nil, draw.CircleGlyph{}},
	{color.NRGBA{0xd5, 0x5e, 0x00, 0xff}, []vg.Length{vg.Points(5), vg.Points(2.5)}, draw.TriangleGlyph{}},
	{color.NRGBA{0x00, 0x9e, 0x73, 0xff}, []vg.Length{vg.Points(1.5), vg.Points(2)}, draw.SquareGlyph{}},
	{color.NRGBA{0xcc, 0x79, 0xa7, 0xff}, []vg.Length{vg.Points(7), vg.Points(2), vg.Points(1.5), vg.Points(2)}, draw.PyramidGlyph{}},
	{color.NRGBA{0x56, 0xb4, 0xe9, 0xff}, []vg.Length{vg.Points(9), vg.Points(3)}, draw.BoxGlyph{}},
	{color.NRGBA{0xe6, 0x9f, 0x00, 0xff}, []vg.Length{vg.Points(3), vg.Points(3)}, draw.RingGlyph{}},
}

func sans(style *text.Style, size float64, c color.Color) {
	style.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(size)}
	style.Color = c
}

// newPlot returns an empty plot in the style of this package.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	sans(&p.Title.TextStyle, 9.5, ink)
	p.Title.Padding = vg.Points(5)
	sans(&p.Legend.TextStyle, 8, ink)
	p.Legend.ThumbnailWidth = vg.Points(22)
	p.Legend.Padding = vg.Points(1)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		sans(&axis.Label.TextStyle, 8, ink)
		sans(&axis.Tick.Label, 7.5, ink)
		axis.LineStyle.Color, axis.Tick.LineStyle.Color = faint, faint
		axis.Tick.Length = vg.Points(3)
		axis.Padding = vg.Points(2)
	}
	return p
}

// A figure is plots side by side, width x height CSS pixels in all.
type figure struct {
	// plots makes the plots. It runs as part of the drawing, so that if it panics,
	// only the picture is lost.
	plots         func() []*plot.Plot
	width, height int
}

// draw puts the titles on one line by itself: plot.Align moves each plot's own
// title with the labels of its axis.
func (f figure) draw(c draw.Canvas) {
	plots := f.plots()
	c.SetColor(color.White)
	c.Fill(c.Path())
	margin, titles := vg.Points(6), vg.Points(20)
	tiles := draw.Tiles{
		Rows: 1, Cols: len(plots), PadX: vg.Points(16),
		PadTop: titles, PadBottom: margin, PadLeft: margin, PadRight: vg.Points(10),
	}
	plain := make([]*plot.Plot, len(plots))
	for i, p := range plots {
		q := *p
		q.Title.Text = ""
		plain[i] = &q
	}
	canvases := plot.Align([][]*plot.Plot{plain}, tiles, c)
	for i, p := range plots {
		area := canvases[0][i]
		plain[i].Draw(area)
		data := plain[i].DataCanvas(area)
		middle := (data.Min.X + data.Max.X) / 2
		c.FillText(p.Title.TextStyle, vg.Point{X: middle, Y: c.Max.Y - vg.Points(5)}, p.Title.Text)
	}
}

// png returns the figure as a PNG. The error says why there is none.
func (f figure) png() ([]byte, error) {
	return guarded(drawLimit, func(stop *atomic.Bool) []byte { return f.raster(f.draw, stop) })
}

func (f figure) raster(draws func(draw.Canvas), stop *atomic.Bool) []byte {
	w, h := vg.Length(f.width)*cssPixel, vg.Length(f.height)*cssPixel
	c := vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(96*pngDensity))
	draws(draw.NewCanvas(watched{c, stop}, w, h))
	return encodePNG(c.Image())
}

// svg returns the figure as an element for HTML, or "" if it cannot be drawn. It is for
// views that are replaced while a training runs; viewers that do not trust a notebook
// drop it.
func (f figure) svg() string {
	s, err := guarded(drawLimit, f.vector)
	if err != nil {
		return ""
	}
	return s
}

func (f figure) vector(stop *atomic.Bool) string {
	w, h := vg.Length(f.width)*cssPixel, vg.Length(f.height)*cssPixel
	c := vgsvg.New(w, h)
	f.draw(draw.NewCanvas(watched{c, stop}, w, h))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return ""
	}
	s := b.String()
	if i := strings.Index(s, "<svg"); i > 0 {
		s = s[i:]
	}
	// Arial has the same widths, and most machines have it or a similar font.
	return strings.ReplaceAll(s, "font-family:Liberation Sans", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif")
}

// encodePNG writes img with a palette, its colours rounded so that 256 entries are
// enough: a fifth of the bytes, and no visible difference.
func encodePNG(img image.Image) []byte {
	if src, ok := img.(*image.RGBA); ok {
		for _, levels := range []int{31, 15, 7} {
			if p := paletted(src, levels); p != nil {
				img = p
				break
			}
		}
	}
	var b bytes.Buffer
	// Best compression saves a tenth and takes five times as long.
	if err := png.Encode(&b, img); err != nil {
		return nil // a bytes.Buffer does not fail, and the image has a size
	}
	return b.Bytes()
}

// paletted rounds each channel to levels+1 values. It returns nil if more than 256
// colours are left.
func paletted(src *image.RGBA, levels int) image.Image {
	var round [256]byte
	for v := range round {
		round[v] = byte((v*levels + 127) / 255 * 255 / levels)
	}
	index := map[[3]byte]uint8{}
	var colors color.Palette
	dst := image.NewPaletted(src.Rect, nil)
	var last [3]byte // most pixels equal the previous one
	for i := range dst.Pix {
		p := src.Pix[4*i : 4*i+3]
		key := [3]byte{round[p[0]], round[p[1]], round[p[2]]}
		if i > 0 && key == last {
			dst.Pix[i] = dst.Pix[i-1]
			continue
		}
		last = key
		n, ok := index[key]
		if !ok {
			if len(colors) == 256 {
				return nil
			}
			n = uint8(len(colors))
			index[key] = n
			colors = append(colors, color.NRGBA{key[0], key[1], key[2], 0xff})
		}
		dst.Pix[i] = n
	}
	dst.Palette = colors
	return dst
}
