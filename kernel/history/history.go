// Package history keeps the source of executed cells across sessions, in one
// SQLite file that all kernels of a user share. It knows no protocol: the kernel
// translates history_request into Tail, Range and Search.
//
// Writes go through one goroutine and never block a cell. If the file cannot be
// opened, the store lives in memory: earlier cells are missing, new ones work.
//
// The file stays bounded: a cell is kept up to MaxText bytes, with a note about the rest,
// and the oldest cells go once all need more than MaxBytes.
//
//	history.go   the store: opening, writing, the goroutine that owns the file
//	bounds.go    how much of a cell, and how many cells are kept
//	query.go     tail, range, search
//	path.go      the path of the file
package history

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/gopherpod/gopherpod/tensors/sqlfile"
)

// An Entry is one executed cell.
type Entry struct {
	Session int64  // number of the session, from 1
	Line    int    // execution count in the session
	Source  string // the source of the cell
	Output  string // text of the cell's result, "" if it has none
}

// A Store is the history. Its methods may be called from any goroutine.
type Store struct {
	work    chan func(*file)
	closing chan struct{}
	done    chan struct{} // closed when the goroutine has returned
	once    sync.Once

	mu     sync.Mutex
	failed error // the first failure; reported once
	told   bool
}

// file is owned by the store's goroutine.
type file struct {
	db      *sql.DB
	session int64
	err     error // why the given file, or any file, is not in use
	max     int64 // of the file, in bytes; 0: MaxBytes
	added   int64 // bytes since prune was called last
}

// schema has IPython's tables, except those that IPython never fills.
const schema = `
CREATE TABLE IF NOT EXISTS sessions (session INTEGER PRIMARY KEY AUTOINCREMENT, start TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS history (
	session INTEGER NOT NULL, line INTEGER NOT NULL, source TEXT NOT NULL, output TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (session, line)) WITHOUT ROWID;
PRAGMA user_version = 1;`

// backlog is how many writes may wait; beyond that a slow disk makes cells wait.
const backlog = 1024

// Open starts a session in the file at path, and creates the file and its folder if
// necessary. With an empty path the history lives in memory. Open returns
// immediately: the file is opened in the background, and Err waits for it.
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
	s.fail(f.err)
	if f.err != nil && path != "" {
		var err error
		if f.db, f.session, err = open(""); err != nil {
			f.err = err
		}
	}
	if f.db != nil {
		s.fail(f.prune())
		defer func() {
			f.db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`) // fails if another kernel is writing; that kernel does it later
			f.db.Close()
		}()
	}
	for {
		select {
		case fn := <-s.work:
			fn(&f)
			continue
		default:
		}
		select { // the queue is empty, so Close may end the goroutine
		case fn := <-s.work:
			fn(&f)
		case <-s.closing:
			return
		}
	}
}

// open opens the file and starts a session in it. Several kernels may do so
// concurrently: each waits for the others for at most 5 s.
func open(path string) (db *sql.DB, session int64, err error) {
	name := ":memory:"
	if path != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, 0, fmt.Errorf("history: %w", err)
		}
		name = sqlfile.Address(path, "busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)")
	}
	db, err = sql.Open("sqlite", name)
	if err != nil {
		return nil, 0, fmt.Errorf("history: %w", err)
	}
	db.SetMaxOpenConns(1) // one connection, because with ":memory:" each connection is a database of its own
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
		// What a user types into a notebook is private.
		err = os.Chmod(path, 0o600)
	}
	return db, session, err
}

// Add stores a cell of this session, up to MaxText bytes of it. It does not wait for the
// disk.
func (s *Store) Add(line int, source string) {
	source = bounded(source)
	s.enqueue(func(f *file) {
		if f.db != nil {
			_, err := f.db.Exec(`INSERT OR REPLACE INTO history (session, line, source) VALUES (?, ?, ?)`, f.session, line, source)
			s.fail(err)
			s.fail(f.grow(len(source)))
		}
	})
}

// SetOutput stores the text of a cell's result, up to MaxText bytes of it. It does not
// wait for the disk.
func (s *Store) SetOutput(line int, output string) {
	output = bounded(output)
	s.enqueue(func(f *file) {
		if f.db != nil {
			_, err := f.db.Exec(`UPDATE history SET output = ? WHERE session = ? AND line = ?`, output, f.session, line)
			s.fail(err)
			s.fail(f.grow(len(output)))
		}
	})
}

// Err waits until the store is open and returns why it does not use the given file,
// or nil if it does.
func (s *Store) Err() error {
	var err error
	s.wait(func(f *file) { err = f.err })
	return err
}

// fail records the first error that keeps something from being stored.
func (s *Store) fail(err error) {
	if err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = fmt.Errorf("history: %s", strings.TrimPrefix(err.Error(), "history: "))
	}
}

// Failure returns why cells are not stored (the file cannot be opened, the disk is full),
// and nil once it has returned that. It does not wait for queued writes, which may fail
// later.
func (s *Store) Failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told || s.failed == nil {
		return nil
	}
	s.told = true
	return s.failed
}

// Close writes what is queued, moves the write-ahead log into the file unless another
// process is reading it, and closes the file. Calls after Close do nothing.
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
