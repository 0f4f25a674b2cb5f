package render

import "github.com/gopherpod/gopherpod/kernel/display"

// MIME types of the messages that this package makes.
const (
	MIMEText = display.MIMETypeText
	MIMEHTML = display.MIMETypeHTML
	MIMEPNG  = display.MIMETypePNG
)

func table(html, text string) display.Message {
	return display.Message{Data: display.MIMEMap{MIMEHTML: html, MIMEText: text}}
}

// picture is the figure as a PNG. The sentence stands for it where no picture is shown,
// and is its alt text. A figure that cannot be drawn is the sentence, and why.
func (f figure) picture(sentence string) display.Message {
	png, err := f.png()
	if err != nil {
		return display.Message{Data: display.MIMEMap{MIMEText: sentence + " The picture is missing: " + err.Error() + "."}}
	}
	return pictureOf(png, f.width, f.height, sentence)
}

// pictureOf is a PNG of width x height CSS pixels.
func pictureOf(png []byte, width, height int, sentence string) display.Message {
	return display.Message{
		Data: display.MIMEMap{MIMEPNG: png, MIMEText: sentence},
		Metadata: map[string]any{MIMEPNG: map[string]any{
			"alt": sentence, "width": width, "height": height,
		}},
	}
}
