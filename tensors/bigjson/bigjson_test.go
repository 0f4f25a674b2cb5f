package bigjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unsafe"
)

var long = strings.Repeat("AQID", MinLen)

type inner struct {
	Data string `json:"data"`
}

type request struct {
	Name   string            `json:"name"`
	Text   string            `json:"text,omitempty"`
	Inner  *inner            `json:"inner,omitempty"`
	Raw    json.RawMessage   `json:"raw,omitempty"`
	List   []string          `json:"list,omitempty"`
	Map    map[string]string `json:"map,omitempty"`
	Any    any               `json:"any,omitempty"`
	Nums   []float64         `json:"nums,omitempty"`
	Quoted string            `json:"quoted,string,omitempty"`
	Bytes  []byte            `json:"bytes,omitempty"`
	Array  [2]inner          `json:"array"`
	Hidden string            `json:"-"`
}

func full() request {
	return request{
		Name: "n", Text: long, Inner: &inner{Data: "x" + long}, Raw: json.RawMessage(`{"a": "` + long + `", "b": ["` + long + `", 1]}`),
		List: []string{"a", long, "ü" + long}, Map: map[string]string{"k": long, long: "v"}, Any: []any{long, map[string]any{"m": long}, 2.5},
		Nums: []float64{1, 2}, Quoted: long, Bytes: []byte(long), Array: [2]inner{{Data: long}, {}}, Hidden: long,
	}
}

func TestRoundTrip(t *testing.T) {
	v := full()
	before, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if len(s) < 10 {
		t.Errorf("%d segments: the long strings were copied", len(s))
	}
	if got := s.Bytes(); !bytes.Equal(got, before) {
		t.Errorf("not what encoding/json writes:\n%.300s\n%.300s", got, before)
	}
	if s.Len() != int64(len(before)) {
		t.Errorf("Len %d, want %d", s.Len(), len(before))
	}
	after, err := json.Marshal(v)
	if err != nil || !bytes.Equal(before, after) {
		t.Error("Marshal changed its argument")
	}
	var want, got request
	if err := json.Unmarshal(before, &want); err != nil {
		t.Fatal(err)
	}
	if err := Unmarshal(before, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("not what encoding/json reads")
	}
}

func within(s string, b []byte) bool {
	p, start := uintptr(unsafe.Pointer(unsafe.StringData(s))), uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	return p >= start && p+uintptr(len(s)) <= start+uintptr(len(b))
}

func TestUnmarshalShares(t *testing.T) {
	doc := []byte(`{"name": "job", "text" : "` + long + `", "raw":  {"x" : [ "` + long + `" , {"y":"` + long + `"}, 3 ] } , "inner":{"data":"` + long + `"},"any":"` + long + `"}`)
	var r request
	if err := Unmarshal(doc, &r); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]string{"string": r.Text, "raw": string(r.Raw), "inner": r.Inner.Data, "any": r.Any.(string)} {
		if name == "raw" {
			if !within(unsafe.String(&r.Raw[0], len(r.Raw)), doc) {
				t.Error("a RawMessage was copied")
			}
			if want := `{"x" : [ "` + long + `" , {"y":"` + long + `"}, 3 ] }`; s != want {
				t.Errorf("raw is %.60s...%s", s, s[len(s)-20:])
			}
			continue
		}
		if !within(s, doc) {
			t.Errorf("%s was copied", name)
		}
		if s != long {
			t.Errorf("%s is wrong", name)
		}
	}
}

// shouting decodes itself and keeps a changed copy of what it read in a field
// that reflection cannot set.
type shouting struct{ text string }

func (s *shouting) UnmarshalJSON(b []byte) error {
	s.text = strings.ToUpper(string(b))
	return nil
}

type checked string

func (c *checked) UnmarshalText(b []byte) error {
	if strings.Contains(string(b), ":") {
		return errors.New("a colon")
	}
	*c = checked(b)
	return nil
}

type quiet string

func (quiet) MarshalJSON() ([]byte, error) { return []byte(`"***"`), nil }

func TestTypesThatCodeThemselves(t *testing.T) {
	doc := []byte(`{"a":"` + long + `","b":"` + long + `"}`)
	var v struct {
		A shouting
		B checked
	}
	if err := Unmarshal(doc, &v); err != nil {
		t.Fatal(err)
	}
	if v.A.text != strings.ToUpper(`"`+long+`"`) || string(v.B) != long {
		t.Errorf("got %.30s, %.30s", v.A.text, v.B)
	}
	s, err := Marshal(struct {
		Key  quiet
		Text string
	}{quiet(long), long})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(s.Bytes()), `{"Key":"***","Text":"`+long+`"}`; got != want {
		t.Errorf("got %.60s", got)
	}
}

func TestUnmarshalErrors(t *testing.T) {
	for _, doc := range []string{
		`{"text":"` + long,
		`{"text":"` + long + `"`,
		`{"text":"` + long + `"}}`,
		`{"text":"` + long + `" "x"}`,
		`{"text":"` + long + "\n" + `"}`,
		`{"text":"` + long + `\x"}`,
		`{"text":"` + long + `\`,
		`{text:"` + long + `"}`,
		`"` + long + `" "` + long + `"`,
		`{"text":` + long + `"}`,
		``,
		`{"nums":["` + long + `"]}`,
		`{"name":7,"text":"` + long + `"}`,
	} {
		var a, b request
		want, got := json.Unmarshal([]byte(doc), &a), Unmarshal([]byte(doc), &b)
		if want == nil || got == nil {
			t.Errorf("%.20s...: encoding/json says %v, we say %v", doc, want, got)
		}
		strict := Options{DisallowUnknownFields: true, UseNumber: true}
		if err := strict.Unmarshal([]byte(doc), &b); err == nil {
			t.Errorf("%.20s...: accepted under options", doc)
		}
	}
	strict := Options{DisallowUnknownFields: true}
	var r request
	if err := strict.Unmarshal([]byte(`{"other":"`+long+`"}`), &r); err == nil || !strings.Contains(err.Error(), `unknown field "other"`) {
		t.Errorf("unknown field: %v", err)
	}
	if err := Unmarshal([]byte(`{"other":"`+long+`","name":"n"}`), &r); err != nil || r.Name != "n" {
		t.Errorf("a field that nothing takes: %v", err)
	}
	if err := Unmarshal([]byte(`{"text":"`+long+`","text":"`+long+`b"}`), &r); err != nil || r.Text != long+"b" {
		t.Errorf("the same key twice: %v", err)
	}
	var number struct{ N, S any }
	if err := (Options{UseNumber: true}).Unmarshal([]byte(`{"N":12345678901234567890,"S":"`+long+`"}`), &number); err != nil || number.N != json.Number("12345678901234567890") {
		t.Errorf("UseNumber: %v, %v", number.N, err)
	}
	var invalid *json.InvalidUnmarshalError
	if err := Unmarshal([]byte(`"`+long+`"`), r); !errors.As(err, &invalid) {
		t.Errorf("not a pointer: %v", err)
	}
	if err := Unmarshal([]byte(`"`+long+`"`), nil); !errors.As(err, &invalid) {
		t.Errorf("nil: %v", err)
	}
}

func TestMarshalErrors(t *testing.T) {
	type node struct {
		Text string
		Next *node
	}
	cycle := &node{Text: long}
	cycle.Next = cycle
	for _, v := range []any{cycle, map[string]any{"a": long, "f": func() {}}, json.RawMessage(`{"a":"` + long + `"`)} {
		if _, err := Marshal(v); err == nil {
			t.Errorf("%T is accepted", v)
		}
	}
	for _, v := range []any{nil, 3, long, &long, []string{long}} {
		s, err := Marshal(v)
		want, _ := json.Marshal(v)
		if err != nil || !bytes.Equal(s.Bytes(), want) {
			t.Errorf("%T: %v", v, err)
		}
	}
}

func TestSegmentsReader(t *testing.T) {
	s := Segments{[]byte("ab"), nil, []byte("c"), []byte("defg")}
	if err := iotest.TestReader(s.NewReader(), []byte("abcdefg")); err != nil {
		t.Error(err)
	}
	var b strings.Builder
	r := s.NewReader()
	if _, err := io.ReadFull(r, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(&b, r); n != 6 || err != nil || b.String() != "bcdefg" {
		t.Errorf("copied %d, %v: %q", n, err, b.String())
	}
	if n, err := s.WriteTo(&b); n != 7 || err != nil {
		t.Errorf("wrote %d, %v", n, err)
	}
}

// plain agrees with a loop over single bytes at every length and position.
func TestPlain(t *testing.T) {
	for n := range 70 {
		b := bytes.Repeat([]byte{'a'}, n)
		if plain(b) != n {
			t.Fatalf("%d plain bytes: %d", n, plain(b))
		}
		for i := range b {
			for c := range 256 {
				b[i] = byte(c)
				want := n
				if c < 0x20 || c >= 0x80 || c == '"' || c == '\\' {
					want = i
				}
				if got := plain(b); got != want {
					t.Fatalf("byte %#x at %d of %d: got %d", c, i, n, got)
				}
			}
			b[i] = 'a'
		}
	}
}

// Unmarshal decodes a document as encoding/json does, whatever strings are taken out.
func FuzzUnmarshal(f *testing.F) {
	for _, doc := range []string{
		`{"name":"abc","raw":{"x":["abcd","e\n"]},"any":["abc",{"k":"abc"}],"abc":"abc"}`,
		`["abc","\u00e9","ü","a\"b"]`, `{"a":"b\\"}`, "\"a\nb\"", `{"quoted":"\"abc\""}`, `"\`, `{"bytes":"QUJD"}`, `{"a":"bigjson:"}`,
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		for _, min := range []int{1, 3} {
			for _, number := range []bool{false, true} {
				o := Options{min: min, UseNumber: number}
				var a, b any
				var c, d request
				compare(t, o.plain(doc, &a), o.Unmarshal(doc, &b), a, b)
				compare(t, o.plain(doc, &c), o.Unmarshal(doc, &d), c, d)
				if s, err := marshal(b, min); err != nil {
					t.Fatal(err)
				} else {
					var again any
					compare(t, nil, o.plain(s.Bytes(), &again), b, again)
				}
			}
		}
	})
}

func compare(t *testing.T, wantErr, gotErr error, want, got any) {
	t.Helper()
	if (wantErr == nil) != (gotErr == nil) {
		t.Fatalf("encoding/json says %v, we say %v", wantErr, gotErr)
	}
	if wantErr == nil && !reflect.DeepEqual(want, got) {
		t.Fatalf("got %#v, want %#v", got, want)
	}
}

func BenchmarkPlain(b *testing.B) {
	data := []byte(strings.Repeat(long, 1000))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		plain(data)
	}
}
