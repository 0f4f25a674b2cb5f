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

// picture returns the figure as a PNG. The sentence is its alt text, and replaces it in
// viewers that show no pictures. If the figure cannot be drawn, picture returns the
// sentence and the reason.
func (f figure) picture(sentence string) display.Message {
	png, err := f.png()
	if err != nil {
		return display.Message{Data: display.MIMEMap{MIMEText: sentence + " The picture is missing: " + err.Error() + "."}}
	}
	return pictureOf(png, f.width, f.height, sentence)
}

// pictureOf returns the message for a PNG of width x height CSS pixels.
func pictureOf(png []byte, width, height int, sentence string) display.Message {
	return display.Message{
		Data: display.MIMEMap{MIMEPNG: png, MIMEText: sentence},
		Metadata: map[string]any{MIMEPNG: map[string]any{
			"alt": sentence, "width": width, "height": height,
		}},
	}
}
