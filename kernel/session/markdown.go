package session

import (
	"fmt"
	"go/doc/comment"
	"strings"
)

// docMarkdown renders a Go doc comment as Markdown without HTML, formulas, or links other
// than those that Go's parser recognizes, because the text may come from untrusted code. The
// printer of go/doc/comment relies on the Markdown renderer to leave some text alone; this one
// writes entities instead. It fences code, because indented code below a list would become
// part of the list.
func docMarkdown(text string) string {
	var b strings.Builder
	for i, block := range new(comment.Parser).Parse(text).Content {
		if i > 0 {
			b.WriteString("\n\n")
		}
		writeBlock(&b, block)
	}
	return b.String()
}

func writeBlock(b *strings.Builder, block comment.Block) {
	switch block := block.(type) {
	case *comment.Heading:
		b.WriteString("### " + strings.ReplaceAll(inline(block.Text), "\n", " "))
	case *comment.Paragraph:
		b.WriteString(inline(block.Text))
	case *comment.Code:
		b.WriteString(fence("", block.Text))
	case *comment.List:
		for i, item := range block.Items {
			mark := "- "
			if item.Number != "" {
				mark = item.Number + ". "
			}
			if i > 0 {
				b.WriteString("\n")
			}
			b.WriteString(mark)
			for j, part := range item.Content {
				if j > 0 {
					b.WriteString("\n\n")
				}
				var inside strings.Builder
				writeBlock(&inside, part)
				if j > 0 {
					b.WriteString(strings.Repeat(" ", len(mark)))
				}
				b.WriteString(strings.ReplaceAll(inside.String(), "\n", "\n"+strings.Repeat(" ", len(mark))))
			}
		}
	}
}

func inline(list []comment.Text) string {
	var b strings.Builder
	for _, t := range list {
		switch t := t.(type) {
		case comment.Plain:
			b.WriteString(plainMarkdown(string(t)))
		case comment.Italic:
			b.WriteString("*" + plainMarkdown(string(t)) + "*")
		case *comment.Link: // http, https, mailto and the like: the parser accepts no other scheme
			b.WriteString("[" + inline(t.Text) + "](<" + linkTarget.Replace(t.URL) + ">)")
		case *comment.DocLink:
			b.WriteString(inline(t.Text))
		}
	}
	return b.String()
}

// linkTarget escapes what would close the brackets around a link's address.
var linkTarget = strings.NewReplacer("<", "%3C", ">", "%3E", `\`, "%5C", "\n", "%0A", "&", "&amp;")

// plainMarkdown returns text as Markdown that renders to the same text: it writes every
// character that means something to Markdown, HTML or MathJax as an entity.
func plainMarkdown(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case strings.ContainsRune("&<>\\`*_[]{}~|$^!#+-=:@\"'", r):
			fmt.Fprintf(&b, "&#%d;", r)
		case r == '.' || r == ')':
			// "1." at the beginning of a line would start a list.
			line := b.String()[strings.LastIndexByte(b.String(), '\n')+1:]
			if line != "" && strings.Trim(line, "0123456789 ") == "" {
				fmt.Fprintf(&b, "&#%d;", r)
				continue
			}
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// fence returns a code block. The fence is longer than any run of its character in the
// code, so the code cannot close the block.
func fence(language, code string) string {
	longest, run := 2, 0
	for _, r := range code {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	mark := strings.Repeat("`", longest+1)
	return mark + language + "\n" + strings.TrimRight(code, "\n") + "\n" + mark
}
