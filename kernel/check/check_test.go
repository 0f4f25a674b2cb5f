package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/kernel/secrets"
)

// book returns a notebook of one cell with that source and that output.
func book(source, output string) string {
	src, _ := json.Marshal(source)
	return fmt.Sprintf(`{"cells":[{"cell_type":"code","execution_count":1,"metadata":{},"source":%s,"outputs":[%s]}],"metadata":{},"nbformat":4,"nbformat_minor":5}`, src, output)
}

func stream(text string) string {
	b, _ := json.Marshal(map[string]any{"output_type": "stream", "name": "stdout", "text": text})
	return string(b)
}

func TestNotebook(t *testing.T) {
	redact := secrets.Redactor([]string{"MY_API_KEY=open sesame 1"})
	const token = "rpa_ABCDEFGHIJ0123456789ABCD"
	for name, c := range map[string]struct {
		notebook string
		want     string // kind and place of the only finding; "": none
	}{
		"clean":             {book("fmt.Println(1)", stream("1\n")), ""},
		"token in source":   {book("x := 1\nkey := \""+token+"\"", ""), "cell 1, source, line 2: secret"},
		"token in output":   {book("x", stream("a\nb "+token+"\n")), "cell 1, output 1, line 2: secret"},
		"known value":       {book("x", stream("open sesame 1")), "cell 1, output 1, line 1: secret"},
		"token in html":     {book("x", `{"output_type":"display_data","metadata":{},"data":{"text/html":["<b>","`+token+`</b>"]}}`), "cell 1, output 1, line 1: secret"},
		"password":          {book(`db_password = "h4Xk29fQz1LL"`, ""), "cell 1, source, line 1: secret"},
		"placeholder":       {book(`api_key = "your-key-here"`+"\n"+`token := "xxxxxxxxxxxxxxxx"`+"\n"+`password := "<password>"`, ""), ""},
		"private key":       {book("-----BEGIN RSA PRIVATE KEY-----", ""), "cell 1, source, line 1: secret"},
		"address":           {book(`"postgres://me:hunter22@db/x"`, ""), "cell 1, source, line 1: secret"},
		"home":              {book("x", stream("open /home/alice/data.csv")), "cell 1, output 1, line 1: home path"},
		"home of the image": {book("x", stream("/home/jovyan/work")), ""},
		"windows":           {book("x", stream(`C:\Users\Bob\x`)), "cell 1, output 1, line 1: home path"},
		"own home":          {book("x", stream("/data/people/carol/x")), "cell 1, output 1, line 1: home path"},
		"huge":              {book("x", stream(strings.Repeat("a", MaxOutput+1))), "cell 1, output 1: huge output"},
		"script":            {book("x", `{"output_type":"display_data","metadata":{},"data":{"text/html":"<script>1</script>"}}`), "cell 1, output 1: not on GitHub"},
		"picture":           {book("x", `{"output_type":"display_data","metadata":{},"data":{"image/png":"`+token+`"}}`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := Notebook(strings.NewReader(c.notebook), redact, "/data/people/carol")
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, f := range found {
				got += f.String()
				if strings.Contains(f.Text, token) || strings.Contains(f.Text, "hunter22") {
					t.Errorf("the finding contains the secret: %s", f)
				}
			}
			if len(found) > 1 || !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
				t.Errorf("%q, want %q", got, c.want)
			}
			fixed, _, err := Fix(strings.NewReader(c.notebook), redact, "/data/people/carol")
			if err != nil {
				t.Fatal(err)
			}
			again, err := Notebook(strings.NewReader(string(fixed)), redact, "/data/people/carol")
			if err != nil || len(again) > 0 && again[0].Kind != Hidden {
				t.Errorf("after Fix: %v, %v", again, err)
			}
		})
	}
}

func TestOrder(t *testing.T) {
	nb := strings.Replace(book("x", ""), `"outputs":[]}`, `"outputs":[]},{"cell_type":"code","execution_count":1,"metadata":{},"source":"y","outputs":[]}`, 1)
	found, err := Notebook(strings.NewReader(nb), secrets.Redactor(nil), "")
	if err != nil || len(found) != 1 || found[0].Kind != Order || found[0].Cell != 2 {
		t.Errorf("%v, %v", found, err)
	}
}

func TestNoNotebook(t *testing.T) {
	for _, text := range []string{"", "{", "[]", "{}", `{"cells":[]}`, `{"cells":[1],"nbformat":4}`, `{"cells":3,"nbformat":4}`} {
		if _, err := Notebook(strings.NewReader(text), secrets.Redactor(nil), ""); !errors.Is(err, ErrNotebook) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestOurs: the notebooks that we share are clean.
func TestOurs(t *testing.T) {
	names, err := filepath.Glob("../../notebooks/*.ipynb")
	if err != nil || len(names) == 0 {
		t.Fatal(err)
	}
	for _, name := range names {
		found, err := File(name, secrets.Redactor(nil))
		if err != nil {
			t.Error(err)
		}
		for _, f := range found {
			t.Errorf("%s: %s", name, f)
		}
	}
}

func FuzzNotebook(f *testing.F) {
	f.Add(book("x := 1", stream("a")))
	f.Add(`{"cells":[{"source":["a","b"],"outputs":[{"data":{"text/html":[1,"x"]}}]}],"nbformat":4}`)
	redact := secrets.Redactor(nil)
	f.Fuzz(func(t *testing.T, text string) {
		fixed, _, err := Fix(strings.NewReader(text), redact, "/home/x")
		if err != nil {
			return
		}
		found, err := Notebook(strings.NewReader(string(fixed)), redact, "/home/x")
		if err != nil {
			t.Fatalf("Fix wrote an invalid notebook: %v\n%s", err, fixed)
		}
		for _, f := range found {
			if f.Kind == Secret {
				t.Fatalf("Fix left %s in\n%s", f, fixed)
			}
		}
	})
}
