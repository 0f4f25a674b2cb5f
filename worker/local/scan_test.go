package local

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheckValueRejects(t *testing.T) {
	for _, bad := range []string{
		``, ` `, `{`, `}`, `[`, `[1`, `[1,`, `[1,]`, `[,1]`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{a:1}`, `{"a" 1}`,
		`{1:2}`, `"`, `"a`, `"\`, `"\x"`, `"\u12"`, `"\u12g4"`, "\"\n\"", "\"12345678\x01\"", `01`, `-`, `-a`, `1.`, `.5`, `1e`, `1e+`, `+1`,
		`0x1`, `nul`, `nulll`, `True`, `NaN`, `Infinity`, `-Infinity`, `1 2`, `[1 2]`, `'a'`, "\"\xff\"", "\xef\xbb\xbf1",
		strings.Repeat("[", 600) + strings.Repeat("]", 600), strings.Repeat(`{"a":`, 600),
	} {
		if err := checkValue([]byte(bad)); err == nil {
			t.Errorf("%.40q was accepted", bad)
		}
	}
}

func FuzzCheckValue(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e3,"x\u00e9\n",true,false,null],"":{}}`, `"12345678\"90"`, `[[[]]]`, `1`, `{"a":1}{`, "\"a\u2028b\"", `"\ud800"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := checkValue(b) == nil
		want := json.Valid(b) && utf8.Valid(b)
		if got != want && !(want && bytes.Count(b, []byte("["))+bytes.Count(b, []byte("{")) > maxDepth) {
			t.Errorf("checkValue(%q) = %v, encoding/json says %v", b, got, want)
		}
		fields, err := splitObject(b)
		if err != nil {
			return
		}
		var m map[string]json.RawMessage
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatalf("splitObject took %q: %v", b, err)
		}
		last := map[string]string{}
		for _, f := range fields {
			last[f.key] = string(f.raw)
		}
		if len(last) != len(m) {
			t.Fatalf("%q: %v, want %v", b, last, m)
		}
		for k, v := range m {
			if last[k] != string(v) {
				t.Errorf("%q: member %q is %q, want %q", b, k, last[k], v)
			}
		}
	})
}

func BenchmarkSplitObject(b *testing.B) {
	body := []byte(`{"input":{"operation":"train","tensors":{"codec":"msgpack","data":"` + strings.Repeat("ABCDefgh", 10<<20/8) + `"}}}`)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := splitObject(body); err != nil {
			b.Fatal(err)
		}
	}
}
