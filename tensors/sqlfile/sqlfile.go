// Package sqlfile knows what a SQLite file needs on the disk: its address for the driver,
// the bytes in use, and how to give free pages back. It knows no table.
//
//	n, err := sqlfile.Used(db)      // bytes in use
//	u, err := sqlfile.Measure(path) // on the disk, with the write-ahead log
//	err = sqlfile.Shrink(db)        // gives free pages back to the disk
package sqlfile

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Address returns the data source name of a file for the driver "sqlite". The pragmas are
// set on every connection, as in "busy_timeout(5000)".
func Address(path string, pragmas ...string) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
	q := url.Values{}
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	return u.String() + "?" + q.Encode()
}

// Used returns how many bytes the pages of a database need that are not free.
func Used(db *sql.DB) (int64, error) {
	used, _, err := pages(db)
	return used, err
}

func pages(db *sql.DB) (used, free int64, err error) {
	var count, freed, size int64
	for name, to := range map[string]*int64{"page_count": &count, "freelist_count": &freed, "page_size": &size} {
		if err := db.QueryRow("PRAGMA " + name).Scan(to); err != nil {
			return 0, 0, err
		}
	}
	return (count - freed) * size, freed * size, nil
}

// A Usage is what a file needs on the disk.
type Usage struct {
	Bytes int64 // with the write-ahead log and its index
	Free  int64 // of these, pages that hold nothing
}

// Measure returns what a file needs on the disk. It changes nothing. A file that does not
// exist needs nothing. If the file is not a database, Measure returns its size and an error.
func Measure(path string) (Usage, error) {
	var u Usage
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return u, err
		}
		u.Bytes += info.Size()
	}
	if _, err := os.Stat(path); u.Bytes == 0 || err != nil {
		return u, nil
	}
	// The header is read as bytes: opening a database with a write-ahead log makes files
	// beside it. What the log holds is not counted as free.
	f, err := os.Open(path)
	if err != nil {
		return u, err
	}
	defer f.Close()
	head := make([]byte, 40)
	if _, err := f.ReadAt(head, 0); err != nil || !strings.HasPrefix(string(head), "SQLite format 3\x00") {
		return u, fmt.Errorf("%s is not a SQLite file", path)
	}
	size := int64(head[16])<<8 | int64(head[17])
	if size == 1 { // as the format writes 65536
		size = 65536
	}
	u.Free = size * (int64(head[36])<<24 | int64(head[37])<<16 | int64(head[38])<<8 | int64(head[39]))
	return u, nil
}

// Shrink gives the free pages of a file back to the disk and empties the write-ahead log.
// It writes a new copy of the file, so it needs as much room on the disk as is in use. If another
// process is using the file for longer than the busy timeout, Shrink returns an error and
// changes nothing.
func Shrink(db *sql.DB) error {
	if _, err := db.Exec(`VACUUM`); err != nil {
		return err
	}
	_, err := db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
	return err
}
