package worker

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestParseModel(t *testing.T) {
	const want = `{"type":"sequential","layers":[{"type":"conv2d","out_channels":16,"kernel_size":[3,5],"padding":1},{"type":"relu"},{"type":"dropout","p":0.2},` +
		`{"type":"residual","layers":[{"type":"conv2d","out_channels":16,"kernel_size":1}],"shortcut":[{"type":"identity"}]},` +
		`{"type":"branches","branches":[[{"type":"tanh"}],[]],"merge":"add"},{"type":"flatten"},{"type":"linear","out_features":10,"bias":false}]}`
	lines := `
# a comment
conv2d 16 kernel_size=3x5 padding=1   # another
relu                                  // and one more
dropout rate=0.2
residual {
	conv2d 16 1
} shortcut {
	identity
}
branches merge=add {
	tanh
} {
}

flatten
linear 10 bias=false
`
	for _, body := range []string{lines, want, "\n " + want[len(`{"type":"sequential","layers":`):len(want)-1]} {
		m, err := ParseModel(body)
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		if got, _ := json.Marshal(m); string(got) != want {
			t.Errorf("%s:\n got %s\nwant %s", body, got, want)
		}
	}
}

// The same model in each form.
func TestParseForms(t *testing.T) {
	want, err := ParseModel("linear 64\nresidual {\n  linear 64\n  relu\n}\nlinear 10")
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		`{"type":"sequential","layers":[{"type":"linear","out_features":64},{"type":"residual","layers":[{"type":"linear","out_features":64},{"type":"relu"}]},{"type":"linear","out_features":10}]}`,
		"# a net\nlayers:\n  - {type: linear, out_features: 64}\n  - type: residual\n    layers:\n      - type: linear\n        out_features: 64\n      - type: relu\n  - {type: linear, out_features: 10}\n",
		"---\nmodel_config:\n  type: sequential\n  layers: &all\n  - {type: linear, out_features: 64}\n  - {type: residual, layers: [{type: linear, out_features: 64}, {type: relu}]}\n  - {type: linear, out_features: 10}\n",
		"- type: linear\n  out_features: 64\n- {type: residual, layers: [{type: linear, out_features: 64}, {type: relu}]}\n- {type: linear, out_features: 10}\n",
	} {
		m, err := ParseModel(body)
		if err != nil || !reflect.DeepEqual(m, want) {
			t.Errorf("%s\n%+v, %v", body, m, err)
		}
	}
	for body, want := range map[string]string{
		"layers:\n  - {type: linear, out_features: 64\n": "is not YAML that can be read: line ",
		"type: sequential\na: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f]\nlayers: [*g,*g]": "has aliases in its YAML that stand for more than 1048576 values",
		"layers:\n  - {type: linaer, out_features: 64}": `unknown layer "linaer"; did you mean "linear"?`,
		"layers:\n  - {type: dropout, p: .nan}":         "holds NaN in its YAML",
		"layers: []":                                    "the model has no layers",
		"layers:\n  - {1: 2}":                           "has a key in its YAML that is no text",
	} {
		if _, err := ParseModel(body); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

func TestParseRejects(t *testing.T) {
	rows := []struct{ body, want string }{
		{"", "the body is empty; it wants a list of layers"},
		{"# only this", "the body has no layers"},
		{"linear 64\nrelu\n\nliner 10", `line 4: unknown layer "liner"; did you mean "linear"?`},
		{"x := 3", `line 1: unknown layer "x"; the body is a list of layers, one a line`},
		{"SELECT * FROM y", `line 1: unknown layer "SELECT"`},
		{"linear", `line 1: out_features is missing; linear needs it (outputs)`},
		{"linear 64 32", `line 1: linear takes one number, the outputs; "32" is too many`},
		{"linear x", `line 1: linear: out_features is "x", wants a whole number`},
		{"linear 0", `line 1: out_features is 0, wants 1 to 2147483648`},
		{"linear 64 biass=true", `line 1: linear has no parameter "biass"; did you mean "bias"?`},
		{"linear 64 bias=1", `line 1: linear: bias is "1", wants true or false`},
		{"linear 64 out_features=3", `line 1: linear: out_features is given twice`},
		{"relu 3", `line 1: relu takes no values, got "3"`},
		{"conv2d 16 3xx", `wants`},
		{"conv2d 16 3y", `line 1: conv2d: kernel_size is "3y", wants whole numbers, as 3 or 3x3`},
		{"dropout 2", `line 1: p is 2, wants 0 to 1`},
		{"dropout rate=2", `line 1: rate is 2, wants 0 to 1`},
		{"conv2d 8 3x3x3", `line 1: kernel_size has 3 numbers, wants 1 or 2`},
		{"conv2d 8 3x0", `line 1: kernel_size[1] is 0, wants 1 to 2147483648`},
		{"residual", `line 1: residual wants its layers in a block: residual {`},
		{"residual {\nrelu", `line 2: the block is not closed; } is missing`},
		{"relu {", `line 1: relu takes no block`},
		{"}", `line 1: } closes nothing`},
		{"residual {\n} {\n} {\n}", `residual takes one block, and one for the shortcut`},
		{"residual {\n} what", `line 2: after } comes nothing`},
		{"{", `no valid JSON`},
		{`{"layers": []}`, `the model has no layers`},
		{"[1]", `layers[0]: a layer is a JSON object with a type, not a number`},
		{strings.Repeat("residual {\n", 100), `more than 16 deep`},
	}
	for _, r := range rows {
		m, err := ParseModel(r.body)
		if r.body == "conv2d 16 3xx" { // an x too many is forgiven
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%q: %v, %v; want %q", r.body, m, err, r.want)
		}
	}
}

func FuzzParseModel(f *testing.F) {
	f.Add("linear 64\nrelu\nresidual {\nlinear 2\n} {\n}")
	f.Add(`{"layers": [{"type": "relu"}]}`)
	f.Add("layers:\n  - {type: linear, out_features: 64}\n- *a")
	f.Fuzz(func(t *testing.T, body string) {
		m, err := ParseModel(body)
		if err != nil || m.Other != nil {
			return
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseModel(string(text)); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	})
}

// A shape may be written as people say it.
func TestReshapeInWords(t *testing.T) {
	words, err := ParseLayers("reshape 1 8 8\nflatten")
	if err != nil {
		t.Fatal(err)
	}
	list, err := ParseLayers("reshape 1,8,8\nflatten")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(words, list) {
		t.Errorf("%v, want %v", words, list)
	}
}
