package rt

// Set, SetString and SetBytes set a variable to the files that its go:embed directive
// names.
func Set[T any](p *T, v T) { *p = v }

// SetString is Set for strings.
func SetString[T ~string](p *T, v string) { *p = T(v) }

// SetBytes is Set for bytes.
func SetBytes[T ~[]byte](p *T, v []byte) { *p = v }
