package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

type upper struct{ r io.Reader }

func (u upper) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	copy(p, bytes.ToUpper(p[:n]))
	return n, err
}

type counter struct {
	io.Writer
	n int
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += len(p)
	return c.Writer.Write(p)
}

type closer struct{ closed *bool }

func (c closer) Close() error { *c.closed = true; return errors.New("closed already") }

func use() (err error) {
	closed := false
	c := closer{&closed}
	defer func() { err = errors.Join(err, c.Close()) }()
	return errors.New("first")
}

func main() {
	b, err := io.ReadAll(upper{strings.NewReader("hello")})
	fmt.Println(string(b), err)
	c := &counter{Writer: os.Stdout}
	fmt.Fprintf(c, "%d items\n", 3)
	fmt.Println(c.n)
	var buf bytes.Buffer
	w := io.MultiWriter(&buf, io.Discard)
	n, _ := io.Copy(w, io.LimitReader(strings.NewReader("limited text"), 7))
	fmt.Println(n, buf.String())
	pr, pw := io.Pipe()
	go func() {
		fmt.Fprint(pw, "through the pipe")
		pw.Close()
	}()
	b, _ = io.ReadAll(io.TeeReader(pr, &buf))
	fmt.Println(len(b), buf.Len())
	fmt.Println(use())
	_, err = io.ReadFull(strings.NewReader("ab"), make([]byte, 3))
	fmt.Println(err == io.ErrUnexpectedEOF)
	var rs io.ReadSeeker = strings.NewReader("0123456789")
	rs.Seek(-3, io.SeekEnd)
	b, _ = io.ReadAll(rs)
	fmt.Println(string(b))
}
