package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// LayersFile is the page of the layers, from the package's folder.
const LayersFile = "../../docs/reference/layers.md"

// LayersReference returns the page of the layers.
func LayersReference() ([]byte, error) {
	b := bytes.NewBufferString(`# Layers

Generated from worker/contract; do not edit. Parameters have the names and defaults of the
class in torch.nn. A parameter marked "from the input" is filled in if it is not given. In the line
form, values without a name go to the parameters of the positional form, in order: ` + "`conv2d 16 3`" + ` is
out_channels=16 kernel_size=3. One number of a list stands for all dimensions: kernel_size=3 is 3x3 in
conv2d. Dimensions count the batch as 0.
`)
	for _, l := range Layers() {
		fmt.Fprintf(b, "\n## %s\n\n%s.", l.Name, l.Doc)
		if l.Module != "" {
			fmt.Fprintf(b, " PyTorch: `nn.%s`.", l.Module)
		}
		if len(l.Positional) > 0 {
			fmt.Fprintf(b, " Positional form: `%s %s`.", l.Name, strings.ToUpper(strings.Join(l.Positional, " ")))
		}
		fmt.Fprintf(b, " Workers: %s.\n", strings.Join(l.Workers, ", "))
		if len(l.Params) == 0 {
			continue
		}
		b.WriteString("\n| parameter | value | default | what it is |\n|---|---|---|---|\n")
		for _, p := range l.Params {
			def, err := p.absent()
			if err != nil {
				return nil, err
			}
			name := "`" + p.Name + "`"
			if p.Alias != "" {
				name += " or `" + p.Alias + "`"
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s |\n", name, p.values(), def, strings.ReplaceAll(p.Doc, "|", `\|`))
		}
	}
	return b.Bytes(), nil
}

// absent says what happens if the parameter is not given.
func (p Parameter) absent() (string, error) {
	switch {
	case p.Required:
		return "required", nil
	case p.Inferable():
		return "from the input", nil
	case p.Default == nil:
		return "none", nil
	}
	text, err := json.Marshal(p.Default)
	return string(text), err
}

// values says in words which values the parameter takes.
func (p Parameter) values() string {
	if p.Type == Choice {
		return strings.Join(p.Values, ", ")
	}
	text := string(p.Type)
	if p.Range != nil {
		if r := p.Range.Brief(); r != "" {
			text += ", " + r
		}
	}
	if p.Values != nil {
		text += "; or " + strings.Join(p.Values, ", ")
	}
	return text
}
