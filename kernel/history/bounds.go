package history

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/gopherpod/gopherpod/tensors/sqlfile"
	"github.com/gopherpod/gopherpod/tensors/wording"
)

// What is kept. A cell of 1 MB is a long program, and 250 MB are about 100,000 cells of a
// page each.
const (
	MaxText  = 1_000_000   // of one cell's source, and of its output, in bytes
	MaxBytes = 250_000_000 // of all cells together, in bytes in use in the file
)

// bounded returns at most the first MaxText bytes of a text, and a note with the size if
// that is not all.
func bounded(text string) string {
	if len(text) <= MaxText {
		return text
	}
	head := text[:MaxText]
	for !utf8.RuneStart(text[len(head)]) {
		head = head[:len(head)-1]
	}
	return fmt.Sprintf("%s\n// The history keeps the first %s of this text, which has %s.",
		strings.Clone(head), wording.Bytes(int64(len(head))), wording.Bytes(int64(len(text))))
}

// grow counts what was added, and prunes the file from time to time.
func (f *file) grow(bytes int) error {
	f.added += int64(bytes)
	if f.added < f.limit()/16 {
		return nil
	}
	return f.prune()
}

func (f *file) limit() int64 {
	if f.max > 0 {
		return f.max
	}
	return MaxBytes
}

// prune removes the oldest cells if all need more than the limit, until they need three
// quarters of it. The pages become free and are used again; Compact gives them back to
// the disk.
func (f *file) prune() error {
	f.added = 0
	used, err := sqlfile.Used(f.db)
	for err == nil && used > f.limit() {
		var session, line int64
		if session, line, err = f.cut(1 - float64(f.limit())*3/4/float64(used)); err != nil {
			return err
		}
		if _, err = f.db.Exec(`DELETE FROM history WHERE (session, line) <= (?, ?)`, session, line); err != nil {
			return err
		}
		before := used
		if used, err = sqlfile.Used(f.db); used >= before {
			return err // something else needs the room
		}
	}
	return err
}

// cut returns the last of the oldest cells that have the given share of all text.
func (f *file) cut(share float64) (session, line int64, err error) {
	const bytes = `octet_length(source) + octet_length(output)`
	var all float64
	if err := f.db.QueryRow(`SELECT total(` + bytes + `) FROM history`).Scan(&all); err != nil {
		return 0, 0, err
	}
	rows, err := f.db.Query(`SELECT session, line, ` + bytes + ` FROM history ORDER BY session, line`)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rest := all * share; rest > 0 && rows.Next(); {
		var size float64
		if err := rows.Scan(&session, &line, &size); err != nil {
			return 0, 0, err
		}
		rest -= size
	}
	return session, line, rows.Err()
}

// Compact removes what is over the bounds from the file at path, or all cells if all is
// set, and gives the room back to the disk. A file that does not exist is no error. It may
// be called while kernels use the file; it waits up to 5 s for them.
func Compact(path string, all bool) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || path == "" {
		return nil
	}
	db, err := sql.Open("sqlite", sqlfile.Address(path, "busy_timeout(5000)"))
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	defer db.Close()
	f := file{db: db}
	if all {
		_, err = db.Exec(`DELETE FROM history`)
	} else {
		err = f.prune()
	}
	if err == nil {
		err = sqlfile.Shrink(db)
	}
	if err != nil {
		return fmt.Errorf("history: %s: %w", path, err)
	}
	return nil
}
