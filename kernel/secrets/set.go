package secrets

import (
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gopherpod/gopherpod/tensors/environ"
)

// A Set holds the secrets that are known so far. It only grows, because an old secret
// may still be in a variable. Its methods may be called from any goroutine.
type Set struct {
	mu     sync.RWMutex
	known  map[string]bool // values as they were added
	forms  []string        // the values as they may be printed, the longest first
	masker *strings.Replacer

	files map[string]fs.FileInfo // see Watch
}

// NewSet returns the secrets among variables ("NAME=value") and in the given .env files.
// Missing and invalid files are ignored.
func NewSet(variables []string, files ...string) *Set {
	s := &Set{known: map[string]bool{}, files: map[string]fs.FileInfo{}, masker: strings.NewReplacer()}
	s.Environment(variables)
	for _, file := range files {
		s.File(file)
	}
	return s
}

// Environment adds the secrets among variables.
func (s *Set) Environment(variables []string) {
	var values []string
	for _, entry := range variables {
		name, value, _ := strings.Cut(entry, "=")
		values = append(values, secretsOf(name, value)...)
	}
	s.add(values)
}

// File adds the secrets of a .env file, if there is one.
func (s *Set) File(path string) {
	vars, err := environ.Read(path)
	if err != nil {
		return
	}
	s.vars(vars)
}

// Watch adds the secrets of a .env file, if there is one. It reads the file only if it has
// changed since the last call, so that it can be called for each text that is published. Only
// one goroutine at a time may call it.
func (s *Set) Watch(path string) {
	now, err := os.Stat(path)
	if err != nil {
		return
	}
	before := s.files[path]
	if before == nil || !os.SameFile(before, now) || before.Size() != now.Size() || !before.ModTime().Equal(now.ModTime()) {
		s.files[path] = now
		s.File(path)
	}
}

func (s *Set) vars(vars map[string]string) {
	var values []string
	for name, value := range vars {
		values = append(values, secretsOf(name, value)...)
	}
	s.add(values)
}

// The ways in which a cell sets variables: in Go, by a magic, and in lines of a shell.
var (
	setInGo    = regexp.MustCompile("\\bSetenv\\(\\s*\"([A-Za-z_][A-Za-z0-9_]*)\"\\s*,\\s*(\"(?:[^\"\\\\\n]|\\\\.)*\"|`[^`]*`)")
	setByMagic = regexp.MustCompile(`(?m)^\s*%env\s+([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$`)
	setInShell = regexp.MustCompile(`(?m)(?:^|[\s;&!])(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=("[^"\n]*"|'[^'\n]*'|[^\s;&]+)`)
)

// Source adds the secrets that a cell is about to set, as far as its source contains
// them: os.Setenv with string literals, %env NAME=value, lines of a shell, %%writefile
// of a .env file. What a cell computes is not known before it has run.
func (s *Set) Source(source string) {
	var values []string
	for _, m := range setInGo.FindAllStringSubmatch(source, -1) {
		if value, err := strconv.Unquote(m[2]); err == nil {
			values = append(values, secretsOf(m[1], value)...)
		}
	}
	for _, m := range setByMagic.FindAllStringSubmatch(source, -1) {
		values = append(values, secretsOf(m[1], m[2])...)
	}
	first, body, _ := strings.Cut(strings.TrimLeft(source, " \t\r\n"), "\n")
	fields := strings.Fields(first)
	switch {
	case len(fields) > 1 && fields[0] == "%%writefile" && strings.HasPrefix(filepath.Base(fields[len(fields)-1]), ".env"):
		if vars, err := environ.Parse(body); err == nil {
			s.vars(vars)
		}
	case len(fields) > 0 && (fields[0] == "%%bash" || fields[0] == "%%sh"):
		values = append(values, shellSecrets(body)...)
	}
	for line := range strings.Lines(source) {
		if command, ok := strings.CutPrefix(strings.TrimSpace(line), "!"); ok {
			values = append(values, shellSecrets(command)...)
		}
	}
	s.add(values)
}

func shellSecrets(text string) (values []string) {
	for _, m := range setInShell.FindAllStringSubmatch(text, -1) {
		values = append(values, secretsOf(m[1], strings.Trim(m[2], `"'`))...)
	}
	return values
}

// secretsOf returns the secrets in a variable: its value, if the name is that of a
// secret, and the password within an address, whatever the name.
func secretsOf(name, value string) (values []string) {
	if environ.IsSecret(name) {
		values = append(values, value)
	}
	if u, err := url.Parse(value); err == nil && u.User != nil {
		if password, ok := u.User.Password(); ok {
			values = append(values, password)
		}
	}
	return values
}

// add adds values that are long enough.
func (s *Set) add(values []string) {
	values = slices.DeleteFunc(values, func(v string) bool { return len(v) < minLength })
	s.mu.Lock()
	defer s.mu.Unlock()
	grown := false
	for _, v := range values {
		if s.known[v] {
			continue
		}
		s.known[v], grown = true, true
		for _, form := range forms(v) {
			if !slices.Contains(s.forms, form) {
				s.forms = append(s.forms, form)
			}
		}
	}
	if !grown {
		return
	}
	// Longest first, because one secret may be the beginning of another.
	slices.SortStableFunc(s.forms, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(s.forms))
	for _, form := range s.forms {
		pairs = append(pairs, form, Mask)
	}
	s.masker = strings.NewReplacer(pairs...)
}

// forms returns a value in the forms that programs print: as it is, within a Go or
// JSON string, and within an address.
func forms(value string) []string {
	list := []string{value}
	for _, quoted := range []string{strconv.Quote(value), strconv.QuoteToASCII(value)} {
		list = append(list, quoted[1:len(quoted)-1])
	}
	if b, err := json.Marshal(value); err == nil {
		list = append(list, string(b[1:len(b)-1]))
	}
	return append(list, url.QueryEscape(value), url.PathEscape(value))
}

// Redact masks the secrets in a text.
func (s *Set) Redact(text string) string {
	s.mu.RLock()
	masker := s.masker
	s.mu.RUnlock()
	return maskTokens(masker.Replace(text))
}
