package render

import (
	"html"
	"strings"
	"unicode/utf8"

	"github.com/gopherpod/gopherpod/kernel/display"
)

// A Table is rows under a header. Columns named in Left are aligned left, the
// others right.
type Table struct {
	Caption string
	Header  []string
	Rows    [][]string
	Left    []string
	// TextOnly names a last column that HTML leaves out: a sparkline, if a
	// picture is shown beside the table.
	TextOnly string
	// Mark is the row to set in bold, counted from 1; 0 for none.
	Mark int
}

// Bundle returns the table as HTML and as text.
func (t Table) Bundle() display.Message { return table(t.HTML(), t.Text()) }

// HTML returns a table that needs no style sheet. It uses only elements that every
// sanitiser keeps. nbconvert's shows caption, thead, th, p and details as text, so
// the caption is a div and the header a row of bold cells.
func (t Table) HTML() string {
	var b strings.Builder
	if t.Caption != "" {
		b.WriteString("<div>" + html.EscapeString(t.Caption) + "</div>\n")
	}
	b.WriteString("<table border=\"1\">\n<tr>")
	for i, h := range t.inHTML(t.Header) {
		b.WriteString(`<td align="` + t.align(i) + `"><b>` + html.EscapeString(h) + "</b></td>")
	}
	b.WriteString("</tr>\n")
	for r, row := range t.Rows {
		b.WriteString("<tr>")
		for i, cell := range t.inHTML(row) {
			cell = html.EscapeString(cell)
			if r+1 == t.Mark {
				cell = "<b>" + cell + "</b>"
			}
			b.WriteString(`<td align="` + t.align(i) + `">` + cell + "</td>")
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</table>")
	return b.String()
}

func (t Table) inHTML(row []string) []string {
	if n := len(t.Header); t.TextOnly != "" && n > 0 && t.Header[n-1] == t.TextOnly && len(row) == n {
		return row[:n-1]
	}
	return row
}

// Text returns the table with aligned columns, two spaces apart.
func (t Table) Text() string {
	var width []int
	for _, row := range append([][]string{t.Header}, t.Rows...) {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	if t.Caption != "" {
		b.WriteString(t.Caption + "\n")
	}
	for _, row := range append([][]string{t.Header}, t.Rows...) {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if t.align(i) == "left" {
				line.WriteString(cell + pad)
			} else {
				line.WriteString(pad + cell)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (t Table) align(column int) string {
	for _, name := range t.Left {
		if column < len(t.Header) && t.Header[column] == name {
			return "left"
		}
	}
	return "right"
}

func escape(s string) string { return html.EscapeString(s) }
