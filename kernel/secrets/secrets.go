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

// tokens matches the tokens of services by the prefix that they document: RunPod
// (rpa_, rps_), GitHub (ghp_ and its kin, github_pat_), Hugging Face (hf_), OpenAI
// and its kin (sk-), AWS access keys (AKIA), Slack (xoxb- and its kin).
var tokens = regexp.MustCompile(`\b(rp[as]_[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|hf_[A-Za-z0-9]{30,}|sk-[A-Za-z0-9_-]{30,}|AKIA[A-Z0-9]{16}|xox[abprs]-[A-Za-z0-9-]{20,})`)

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
		return tokens.ReplaceAllString(known.Replace(s), Mask)
	}
}
