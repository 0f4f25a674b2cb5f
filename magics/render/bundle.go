package render

import "encoding/json"

// A Bundle is one output in several representations, and what is said about
// them. Data maps a MIME type to a string or, for images, to the bytes.
type Bundle struct {
	Data     map[string]any
	Metadata map[string]any
}

// MIME types of the bundles that this package makes.
const (
	MIMEText = "text/plain"
	MIMEHTML = "text/html"
	MIMEPNG  = "image/png"
)

// Text is the text/plain of the bundle.
func (b Bundle) Text() string {
	s, _ := b.Data[MIMEText].(string)
	return s
}

// Size is about how many bytes the bundle takes in a message: images as base64,
// text as it is.
func (b Bundle) Size() int {
	n := 0
	for _, v := range b.Data {
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += (len(v) + 2) / 3 * 4
		}
	}
	if len(b.Metadata) > 0 {
		m, _ := json.Marshal(b.Metadata)
		n += len(m)
	}
	return n
}

func table(html, text string) Bundle {
	return Bundle{Data: map[string]any{MIMEHTML: html, MIMEText: text}}
}

// picture is the figure as a PNG. The sentence stands for it where no picture is shown,
// and is its alt text. A figure that cannot be drawn is the sentence, and why.
func (f figure) picture(sentence string) Bundle {
	png, err := f.png()
	if err != nil {
		return Bundle{Data: map[string]any{MIMEText: sentence + " The picture is missing: " + err.Error() + "."}}
	}
	return pictureOf(png, f.width, f.height, sentence)
}

// pictureOf is a PNG of width x height CSS pixels.
func pictureOf(png []byte, width, height int, sentence string) Bundle {
	return Bundle{
		Data: map[string]any{MIMEPNG: png, MIMEText: sentence},
		Metadata: map[string]any{MIMEPNG: map[string]any{
			"alt": sentence, "width": width, "height": height,
		}},
	}
}
