package secrets

import (
	"strings"
	"testing"
)

const (
	canary = "CANARY-one-0123456789"
	token  = "rpa_ABCDEFGHIJKLMNOP0123456789"
)

// However a text is cut, a secret in it is masked; everything else is published, in order.
func TestStreamMasksWhateverTheCut(t *testing.T) {
	text := "a key: " + canary + ", CAN, " + token + ";\n" + canary + canary + " rp rpa rpa_ sk- the end"
	want := NewSet([]string{"X_KEY=" + canary}).Redact(text)
	for size := 1; size <= len(text); size++ {
		s := NewSet([]string{"X_KEY=" + canary}).Stream()
		var out strings.Builder
		for at := 0; at < len(text); at += size {
			out.WriteString(s.Next(text[at:min(at+size, len(text))], false))
		}
		out.WriteString(s.Next("", true))
		got := out.String()
		// With pieces of a letter or two, the first letters of a secret are published, and
		// the rest is masked.
		for _, secret := range []string{canary, token} {
			if i := strings.Index(got, secret[minHeld:minHeld+4]); i >= 0 {
				t.Fatalf("pieces of %d: %q", size, got)
			}
		}
		if size >= minHeld+1 && strings.Count(got, Mask) != strings.Count(want, Mask) || !strings.HasSuffix(got, " rp rpa rpa_ sk- the end") || !strings.HasPrefix(got, "a key: ") {
			t.Fatalf("pieces of %d: %q, want %q", size, got, want)
		}
	}
}

// A secret that ends as it begins is not taken apart.
func TestStreamOfSecretsThatRepeatThemselves(t *testing.T) {
	for _, secret := range []string{"hunter2hunter2", "abcXYZ_-abc", "aaaaaaaaaaaa", "xyxyxyxyxyxz"} {
		text := "<" + secret + "><" + secret + secret + ">"
		for first := 0; first <= len(text); first++ {
			for second := first; second <= len(text); second++ {
				s := NewSet([]string{"X_KEY=" + secret, "Y_KEY=other-secret-" + secret[:7]}).Stream()
				got := s.Next(text[:first], false) + s.Next(text[first:second], false) + s.Next(text[second:], true)
				for n := minHeld; n < len(secret); n++ {
					if strings.Contains(got, secret[:n]) || strings.Contains(got, secret[len(secret)-n:]) {
						t.Fatalf("cut at %d and %d: %q", first, second, got)
					}
				}
			}
		}
	}
}

func TestStreamHoldsLittle(t *testing.T) {
	s := NewSet([]string{"X_KEY=" + canary}).Stream()
	for _, piece := range []string{"an ordinary line\n", "C", "CA", "x", "progress 10 %\r", "grand"} {
		if got := s.Next(piece, false); got != piece {
			t.Errorf("%q came out as %q", piece, got)
		}
	}
	if got := s.Next("the key is CANARY", false); got != "the key is " {
		t.Errorf("%q", got)
	}
	if got := s.Next(" bird", false); got != "CANARY bird" {
		t.Errorf("%q", got)
	}
	long := strings.Repeat("A", 2*maxHeld)
	if got := s.Next("sk-"+long, false) + s.Next(" ", true); len(got) > len(Mask)+1+maxHeld+len(long) {
		t.Errorf("%d bytes", len(got))
	}
}

func TestSetLearns(t *testing.T) {
	for name, c := range map[string]struct{ source, printed string }{
		"os.Setenv":     {`os.Setenv("MY_TOKEN", "hunter2hunter2")`, "hunter2hunter2"},
		"a raw text":    {"os.Setenv(\"MY_TOKEN\", `hunter2hunter2`)", "hunter2hunter2"},
		"%env":          {"%env MY_TOKEN = hunter2hunter2 ", "hunter2hunter2"},
		"%%writefile":   {"%%writefile -a sub/.env.local\nA=b\nMY_TOKEN='hunter2hunter2'\n", "hunter2hunter2"},
		"%%bash":        {"%%bash\nexport MY_TOKEN=\"hunter2hunter2\"; env", "hunter2hunter2"},
		"!cmd":          {"x := 1\n!MY_TOKEN=hunter2hunter2 env", "hunter2hunter2"},
		"quoted by Go":  {`os.Setenv("MY_TOKEN", "hunter\"2\"\thunter2")`, `hunter\"2\"\thunter2`},
		"in JSON":       {`os.Setenv("MY_TOKEN", "hunter<2>&hunter2")`, `hunter\u003c2\u003e\u0026hunter2`},
		"in an address": {`os.Setenv("MY_TOKEN", "hunter 2/hunter+2")`, `hunter+2%2Fhunter%2B2`},
		"in a path":     {`os.Setenv("MY_TOKEN", "hunter 2/hunter2")`, `hunter%202%2Fhunter2`},
		"DATABASE_URL":  {`%env DATABASE_URL=postgres://me:hunter2hunter2@db/x`, "hunter2hunter2"},
	} {
		s := NewSet(nil)
		s.Source(c.source)
		if got := s.Redact("<" + c.printed + ">"); got != "<***>" {
			t.Errorf("%s: %q", name, got)
		}
	}
	s := NewSet(nil)
	s.Source("key := strings.Repeat(text, 3)\n// os.Setenv(name, value)\n!for i in 1 2; do echo $i; done\n%env PATH=/usr/local/bin")
	if const_ := "key := strings.Repeat(text, 3) /usr/local/bin"; s.Redact(const_) != const_ {
		t.Errorf("%q", s.Redact(const_))
	}
}

func FuzzStream(f *testing.F) {
	f.Add("a "+canary+" b "+token, uint8(3))
	f.Fuzz(func(t *testing.T, text string, size uint8) {
		s := NewSet([]string{"X_KEY=" + canary}).Stream()
		var out strings.Builder
		for len(text) > 0 {
			n := min(int(size)+1, len(text))
			out.WriteString(s.Next(text[:n], false))
			text = text[n:]
		}
		out.WriteString(s.Next("", true))
		if strings.Contains(out.String(), canary) {
			t.Errorf("%q", out.String())
		}
	})
}
