package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
)

type parseError struct {
	line int
	err  error
}

func (e *parseError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }
func (e *parseError) Unwrap() error { return e.err }

var errEmpty = errors.New("empty")

func parse(lines []string) (sum int, err error) {
	for i, l := range lines {
		if l == "" {
			return sum, &parseError{i + 1, errEmpty}
		}
		n, err := strconv.Atoi(l)
		if err != nil {
			return sum, &parseError{i + 1, err}
		}
		sum += n
	}
	return sum, nil
}

func main() {
	fmt.Println(parse([]string{"1", "2"}))
	_, err := parse([]string{"1", ""})
	var pe *parseError
	fmt.Println(err, errors.Is(err, errEmpty), errors.As(err, &pe), pe.line)
	_, err = parse([]string{"x"})
	var ne *strconv.NumError
	fmt.Println(err, errors.As(err, &ne), ne.Func, ne.Err == strconv.ErrSyntax)
	wrapped := fmt.Errorf("reading: %w", err)
	fmt.Println(wrapped, errors.Unwrap(wrapped) == err)
	joined := errors.Join(errEmpty, errors.New("second"))
	fmt.Println(joined, errors.Is(joined, errEmpty))
	_, err = os.Open("/no/such/file")
	fmt.Println(errors.Is(err, fs.ErrNotExist))
}
