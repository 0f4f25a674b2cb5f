// Package history keeps the source of executed cells across sessions, in one
// SQLite file that all kernels of a user share. It knows no protocol: the kernel
// translates history_request into Tail, Range and Search.
//
// Writes go through one goroutine and never block a cell; a file that cannot be
// opened costs the past, not the present: the store then lives in memory.
//
//	history.go   the store: opening, writing, the goroutine that owns the file
//	query.go     tail, range, search
//	path.go      where the file lies
package history

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// An Entry is one executed cell.
type Entry struct {
	Session int64  // number of the session, from 1
	Line    int    // execution count in the session
	Source  string // what was typed
	Output  string // text of its result, "" if it has none
}

// A Store is the history. Its methods may be called from any goroutine.
type Store struct {
	work    chan func(*file)
	closing chan struct{}
	done    chan struct{} // closed when the goroutine has returned
	once    sync.Once
}

// file is what the goroutine of the store owns.
type file struct {
	db      *sql.DB
	session int64
	err     error // why the file given is not in use, or why nothing is
}

// schema: IPython's tables, less what it never fills.
const schema = `
CREATE TABLE IF NOT EXISTS sessions (session INTEGER PRIMARY KEY AUTOINCREMENT, start TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS history (
	session INTEGER NOT NULL, line INTEGER NOT NULL, source TEXT NOT NULL, output TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (session, line)) WITHOUT ROWID;
PRAGMA user_version = 1;`

// backlog is how many writes may wait; a disk that slow makes cells wait.
const backlog = 1024

// Open starts a session in the file at path, which it makes with its folder where
// there is none; with an empty path the history lives in memory. It returns at
// once: opening happens in the background, and Err waits for it.
func Open(path string) *Store {
	s := &Store{
		work:    make(chan func(*file), backlog),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
	}
	go s.run(path)
	return s
}

func (s *Store) run(path string) {
	defer close(s.done)
	var f file
	f.db, f.session, f.err = open(path)
	if f.err != nil && path != "" {
		var err error
		if f.db, f.session, err = open(""); err != nil {
			f.err = err
		}
	}
	if f.db != nil {
		defer f.db.Close()
	}
	for {
		select {
		case fn := <-s.work:
			fn(&f)
			continue
		default:
		}
		select { // nothing waits: now Close may end it
		case fn := <-s.work:
			fn(&f)
		case <-s.closing:
			return
		}
	}
}

// open opens the file and starts a session in it. Several kernels may do so at
// once: they wait for each other for 5 s at most.
func open(path string) (db *sql.DB, session int64, err error) {
	name := ":memory:"
	if path != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, 0, fmt.Errorf("history: %w", err)
		}
		u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
		name = u.String() + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"
	}
	db, err = sql.Open("sqlite", name)
	if err != nil {
		return nil, 0, fmt.Errorf("history: %w", err)
	}
	db.SetMaxOpenConns(1) // one connection: for ":memory:" it is the database
	defer func() {
		if err != nil {
			db.Close()
			db, err = nil, fmt.Errorf("history: %s: %w", path, err)
		}
	}()
	if _, err = db.Exec(schema); err != nil {
		return db, 0, err
	}
	res, err := db.Exec(`INSERT INTO sessions (start) VALUES (datetime('now'))`)
	if err != nil {
		return db, 0, err
	}
	if session, err = res.LastInsertId(); err != nil {
		return db, 0, err
	}
	if path != "" {
		// What is typed into a notebook is nobody else's.
		err = os.Chmod(path, 0o600)
	}
	return db, session, err
}

// Add stores a cell of this session. It does not wait for the disk.
func (s *Store) Add(line int, source string) {
	s.enqueue(func(f *file) {
		if f.db != nil {
			f.db.Exec(`INSERT OR REPLACE INTO history (session, line, source) VALUES (?, ?, ?)`, f.session, line, source)
		}
	})
}

// SetOutput stores the text of a cell's result. It does not wait for the disk.
func (s *Store) SetOutput(line int, output string) {
	s.enqueue(func(f *file) {
		if f.db != nil {
			f.db.Exec(`UPDATE history SET output = ? WHERE session = ? AND line = ?`, output, f.session, line)
		}
	})
}

// Err waits until the store is open and says why it is not in the file that was
// asked for; nil means that it is.
func (s *Store) Err() error {
	var err error
	s.wait(func(f *file) { err = f.err })
	return err
}

// Close writes what waits and closes the file. Later calls do nothing.
func (s *Store) Close() {
	s.once.Do(func() { close(s.closing) })
	<-s.done
}

func (s *Store) enqueue(fn func(*file)) {
	select {
	case s.work <- fn:
	case <-s.done:
	}
}

func (s *Store) wait(fn func(*file)) {
	ran := make(chan struct{})
	s.enqueue(func(f *file) {
		defer close(ran)
		fn(f)
	})
	select {
	case <-ran:
	case <-s.done:
	}
}
