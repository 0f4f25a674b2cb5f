// Package secrets keeps keys and passwords out of what a kernel publishes and
// stores. It knows secrets by where they stand (environment variables and .env
// entries whose name says so) and by their form (the prefixes that services give
// to their tokens).
//
//	redact := secrets.Redactor(os.Environ(), ".env")
//	redact("Authorization: Bearer rpa_0123...") // "Authorization: Bearer ***"
//
// It is a net under the types that never print a key, not a replacement for
// them: a secret that a program takes apart before it prints it passes.
package secrets

import (
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// Mask stands where a secret stood.
const Mask = "***"

// minLength is how many bytes a value must have to count as a secret: shorter
// ones would blot out ordinary words.
const minLength = 8

// secretName matches names of variables that hold a secret.
var secretName = regexp.MustCompile(`(?i)(^|_)(api_?key|key|token|secret|password|passwd|credentials?)$`)

// tokens are the services' tokens by the prefix that they document: RunPod (rpa_,
// rps_), GitHub (ghp_ and its kin, github_pat_), Hugging Face (hf_), OpenAI and its
// kin (sk-), AWS access keys (AKIA), Slack (xoxb- and its kin). Body is what has to
// follow the prefix at least, and all of it that does.
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

// maskTokens masks every token that starts a word. It searches for the prefixes,
// which is as fast as memory; one regular expression for all of it is 200 times
// slower, and everything that a cell prints goes through here.
func maskTokens(s string) string {
	type span struct{ from, to int }
	var found []span
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
	if len(found) == 0 {
		return s
	}
	slices.SortFunc(found, func(a, b span) int { return a.from - b.from })
	var out strings.Builder
	end := 0
	for _, f := range found {
		if f.from < end {
			continue // inside of the one before
		}
		out.WriteString(s[end:f.from])
		out.WriteString(Mask)
		end = f.to
	}
	out.WriteString(s[end:])
	return out.String()
}

// wordByte reports whether a token cannot begin behind the byte.
func wordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// Redactor returns a function that masks the secrets of environ ("NAME=value")
// and of the given .env files; a file that is not there, or is broken, has none.
// The function may be called from several goroutines.
func Redactor(environ []string, files ...string) func(string) string {
	var values []string
	add := func(name, value string) {
		if len(value) >= minLength && secretName.MatchString(name) && !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		add(name, value)
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			continue
		}
		entries, err := godotenv.Parse(f)
		f.Close()
		if err != nil {
			continue
		}
		for name, value := range entries {
			add(name, value)
		}
	}
	// The longest first: one secret may begin with another.
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(values))
	for _, value := range values {
		pairs = append(pairs, value, Mask)
	}
	known := strings.NewReplacer(pairs...)
	return func(s string) string {
		return maskTokens(known.Replace(s))
	}
}
