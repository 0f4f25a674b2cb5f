// Package secrets keeps keys and passwords out of what a kernel publishes and
// stores. It recognises secrets by their place (environment variables and .env
// entries with a name such as API_KEY) and by their form (the prefixes that services
// give to their tokens).
//
//	redact := secrets.Redactor(os.Environ(), ".env")
//	redact("Authorization: Bearer rpa_0123...") // "Authorization: Bearer ***"
//
// A Set (set.go) learns secrets while a notebook runs; a Stream (stream.go) masks them in a
// text that arrives in pieces.
//
// It backs up the types that never print a key, and does not replace them: it does
// not recognise a secret that a program changes before printing.
package secrets

import (
	"regexp"
	"slices"
	"strings"
)

// Mask replaces a secret.
const Mask = "***"

// minLength is how many bytes a value must have to count as a secret: shorter
// values could be ordinary words.
const minLength = 8

// tokens lists the services' tokens by their documented prefixes: RunPod (rpa_, rps_),
// GitHub (ghp_ and similar, github_pat_), Hugging Face (hf_), OpenAI and similar (sk-),
// AWS access keys (AKIA), Slack (xoxb- and similar). Body matches the characters that
// must follow the prefix.
var tokens = []struct {
	prefixes []string
	body     *regexp.Regexp
}{
	{[]string{"rpa_", "rps_"}, regexp.MustCompile(`^[A-Za-z0-9]{16,}`)},
	{[]string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_"}, regexp.MustCompile(`^[A-Za-z0-9]{30,}`)},
	{[]string{"github_pat_"}, regexp.MustCompile(`^[A-Za-z0-9_]{30,}`)},
	{[]string{"hf_"}, regexp.MustCompile(`^[A-Za-z0-9]{30,}`)},
	{[]string{"sk-"}, regexp.MustCompile(`^[A-Za-z0-9_-]{30,}`)},
	{[]string{"AKIA"}, regexp.MustCompile(`^[A-Z0-9]{16}`)},
	{[]string{"xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-"}, regexp.MustCompile(`^[A-Za-z0-9-]{20,}`)},
}

// maskTokens masks every token at the start of a word. It searches for the prefixes,
// which runs at memory speed; one regular expression for all of them is 200 times
// slower, and everything that a cell prints passes through here.
func maskTokens(s string) string {
	found := tokenSpans(s)
	if len(found) == 0 {
		return s
	}
	var out strings.Builder
	end := 0
	for _, f := range found {
		if f.from < end {
			continue // inside the previous one
		}
		out.WriteString(s[end:f.from])
		out.WriteString(Mask)
		end = f.to
	}
	out.WriteString(s[end:])
	return out.String()
}

type span struct{ from, to int }

// tokenSpans finds the tokens in s, in order of where they begin.
func tokenSpans(s string) (found []span) {
	for _, t := range tokens {
		for _, prefix := range t.prefixes {
			for at := 0; ; {
				i := strings.Index(s[at:], prefix)
				if i < 0 {
					break
				}
				from := at + i
				at = from + len(prefix)
				if from > 0 && wordByte(s[from-1]) {
					continue
				}
				if m := t.body.FindStringIndex(s[at:]); m != nil {
					at += m[1]
					found = append(found, span{from, at})
				}
			}
		}
	}
	slices.SortFunc(found, func(a, b span) int { return a.from - b.from })
	return found
}

// wordByte reports whether the byte is part of a word, so that no token can begin after it.
func wordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// Redactor returns a function that masks the secrets among variables ("NAME=value")
// and in the given .env files. Missing and invalid files are ignored. The function
// may be called from several goroutines.
func Redactor(variables []string, files ...string) func(string) string {
	return NewSet(variables, files...).Redact
}
