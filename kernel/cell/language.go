package cell

import (
	"go/version"
	"runtime"
	"strings"
)

// Cells are parsed and checked by the go/parser and go/types of the Go that built this
// program, and compiled by the installed Go, which may be a different version. If the
// program's is newer, go/types refuses what the compiler does not know. If it is
// older, a cell has the language of the older one, and newer syntax is refused with a
// hint.

// language returns the version of the language that go/types checks: the older of the two.
func (s *Session) language() string {
	lang, own := version.Lang(s.cfg.GoVersion), version.Lang(runtime.Version())
	if own != "" && version.Compare(lang, own) > 0 { // own is "" for a development version
		return own
	}
	return lang // "" if it is unknown, which means the newest
}

// methodParameters is the error of a parser before Go 1.27 for a method with type parameters.
const methodParameters = "method must have no type parameters"

// languageHint says how to get a language feature that the parser, or the installed
// Go, does not know.
func (s *Session) languageHint(msg string) string {
	built, installed := runtime.Version(), s.cfg.GoVersion
	switch {
	case version.Compare(version.Lang(installed), version.Lang(built)) > 0 && strings.HasSuffix(msg, methodParameters):
		return "Go has them since 1.27. Cells are compiled with " + installed + ", but gopherpod was built with " + built + ": run ./install.sh (or go install) again"
	case strings.HasSuffix(msg, methodParameters):
		return "Go has them since 1.27; cells are compiled with " + built
	case strings.Contains(msg, "requires go1.") && installed != "":
		return "cells are compiled with " + installed + "; with a newer Go on the PATH, run gopherpod install"
	}
	return ""
}
