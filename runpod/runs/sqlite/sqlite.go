// Package sqlite keeps the run store in one file that all kernels and commands of a user
// share. The columns hold what is filtered and summed; the run itself is JSON.
//
//	sqlite.go  the store
//	charge.go  what paid jobs cost, and budgets
//	prune.go   what goes when the file grows, and what goes on request
package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/settings"
	"github.com/gopherpod/gopherpod/tensors/sqlfile"
)

// EnvPath names a file to use instead of the default one; with "off", no runs are kept.
const EnvPath = "GOPHERPOD_RUNS"

// DefaultPath returns the path of the file with the user's runs: runs.sqlite in
// $XDG_DATA_HOME/gopherpod (~/.local/share/gopherpod), on macOS in
// ~/Library/Application Support/gopherpod, or the file of GOPHERPOD_RUNS. It is
// empty if runs are not kept: GOPHERPOD_RUNS=off, or a user without a home.
func DefaultPath() string {
	if path := settings.Inherited(EnvPath); path == "off" {
		return ""
	} else if path != "" {
		return path
	}
	if dir := settings.Inherited("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "gopherpod", "runs.sqlite")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "gopherpod", "runs.sqlite")
	}
	return filepath.Join(home, ".local", "share", "gopherpod", "runs.sqlite")
}

// ErrOff is the error of Open if no runs are kept.
var ErrOff = errors.New("no runs are kept: " + EnvPath + " is off, or there is no home folder")

const schema = `
CREATE TABLE IF NOT EXISTS runs (
	id TEXT NOT NULL UNIQUE, created INTEGER NOT NULL, state TEXT NOT NULL, endpoint TEXT NOT NULL, notebook TEXT NOT NULL,
	parent TEXT NOT NULL, tags TEXT NOT NULL, day TEXT NOT NULL, billed REAL NOT NULL, dollars REAL NOT NULL, summary TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS runs_created ON runs (created DESC, id);
CREATE INDEX IF NOT EXISTS runs_state ON runs (state, created DESC);
CREATE INDEX IF NOT EXISTS runs_parent ON runs (parent, created DESC);
CREATE INDEX IF NOT EXISTS runs_day ON runs (day, created, billed, dollars);
CREATE INDEX IF NOT EXISTS runs_notebook ON runs (notebook, created, billed, dollars);
CREATE INDEX IF NOT EXISTS runs_endpoint ON runs (endpoint, created, billed, dollars);
CREATE TABLE IF NOT EXISTS records (id TEXT PRIMARY KEY, source TEXT NOT NULL, record TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
	run TEXT NOT NULL, seq INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (run, seq)) WITHOUT ROWID;
PRAGMA user_version = 1;`

// charges is a table that an earlier gopherpod does not know and leaves alone, so the version
// stays: both can use the file at the same time.
const charges = `
CREATE TABLE IF NOT EXISTS charges (
	id TEXT PRIMARY KEY, at INTEGER NOT NULL, day TEXT NOT NULL, kind TEXT NOT NULL, open INTEGER NOT NULL, endpoint TEXT NOT NULL,
	notebook TEXT NOT NULL, session TEXT NOT NULL, seconds REAL NOT NULL, dollars REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS charges_at ON charges (at);`

// version is the version of the schema. A file with a higher one was written by
// a newer gopherpod.
const version = 1

// A Store is a run store in a file. Close it.
type Store struct {
	db    *sql.DB
	max   int64        // of the file, in bytes
	added atomic.Int64 // bytes of events since prune was called last
}

var _ runs.Store = (*Store)(nil)

// Open opens the file at path. It makes the file and its folder if there is none. Several
// processes may have it open: a call that finds it busy waits for at most 5 s, then returns
// an error. If the file is damaged, or was written by a newer gopherpod, Open returns an
// error and leaves it as it is. If path is empty, the error is ErrOff.
func Open(path string) (*Store, error) {
	if path == "" {
		return nil, ErrOff
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	// Make the file here, so that from the beginning only the user can read it.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	f.Close()
	db, err := sql.Open("sqlite", sqlfile.Address(path, "busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)")+"&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	var found int
	err = db.QueryRow(`PRAGMA user_version`).Scan(&found)
	switch {
	case err == nil && found > version:
		err = fmt.Errorf("it was written by a newer gopherpod (schema %d, this one knows %d): upgrade, or name another file in %s", found, version, EnvPath)
	case err == nil && found < version:
		_, err = db.Exec(schema)
	}
	if err == nil {
		_, err = db.Exec(charges)
	}
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("runs: %s: %w", path, err)
	}
	s := &Store{db: db, max: MaxBytes}
	_ = s.prune(context.Background(), time.Now().Add(-collectable)) // a store that cannot be pruned now still works
	return s, nil
}

// Close moves the write-ahead log into the file unless another process is reading it,
// and closes the file. A copy of the file alone is then complete.
func (s *Store) Close() error {
	_, err := s.db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
	return errors.Join(err, s.db.Close())
}

// Put implements runs.Store.
func (s *Store) Put(ctx context.Context, r runs.Run) error {
	if err := r.Check(); err != nil {
		return err
	}
	source, record := r.Source, string(r.Record)
	r.Source, r.Record = "", nil
	summary, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("runs: %w", err)
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return wrap(err)
	}
	defer tx.Rollback()
	done, err := tx.ExecContext(ctx, `INSERT INTO runs VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET
		created = excluded.created, state = excluded.state, endpoint = excluded.endpoint, notebook = excluded.notebook, parent = excluded.parent,
		tags = excluded.tags, day = excluded.day, billed = excluded.billed, dollars = excluded.dollars, summary = excluded.summary
		WHERE NOT (excluded.state = 'open' AND runs.state <> 'open' AND runs.summary ->> 'job_id' IS excluded.summary ->> 'job_id')`,
		r.ID, r.Created.UnixNano(), r.State, r.Endpoint, r.Notebook, r.Parent, tagged(r.Tags), r.Created.UTC().Format(time.DateOnly),
		r.Billed, r.Dollars, string(summary))
	if err != nil {
		return wrap(err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return wrap(err) // nothing was written, because the run has ended
	}
	if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO records VALUES (?,?,?)`, r.ID, source, record); err != nil {
		return wrap(err)
	}
	return wrap(tx.Commit())
}

// tagged writes tags so that a single one can be searched for: " a b ".
func tagged(tags []string) string { return " " + strings.Join(tags, " ") + " " }

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("runs: %w", err)
	}
	return nil
}

// Append implements runs.Store.
func (s *Store) Append(ctx context.Context, id string, events []runs.Event) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return wrap(err)
	}
	defer tx.Rollback()
	insert, err := tx.PrepareContext(ctx, `INSERT OR IGNORE INTO events VALUES (?,?,?)`)
	if err != nil {
		return wrap(err)
	}
	defer insert.Close()
	for _, e := range events {
		if _, err := insert.ExecContext(ctx, id, e.Seq, string(e.Data)); err != nil {
			return wrap(err)
		}
	}
	if err := tx.Commit(); err != nil {
		return wrap(err)
	}
	return wrap(s.grow(ctx, events))
}

// Get implements runs.Store.
func (s *Store) Get(ctx context.Context, prefix string) (runs.Run, error) {
	if prefix == "" {
		return runs.Run{}, fmt.Errorf("runs: %w: \"\"", runs.ErrNotFound)
	}
	rows, err := s.db.QueryContext(ctx, `SELECT summary, source, record FROM runs JOIN records USING (id) WHERE id >= ? AND id < ? ORDER BY id LIMIT 2`, prefix, prefix+"\x7f")
	if err != nil {
		return runs.Run{}, wrap(err)
	}
	defer rows.Close()
	var list []runs.Run
	for rows.Next() {
		var summary, source, record string
		if err := rows.Scan(&summary, &source, &record); err != nil {
			return runs.Run{}, wrap(err)
		}
		var r runs.Run
		if err := json.Unmarshal([]byte(summary), &r); err != nil {
			return runs.Run{}, fmt.Errorf("runs: the store is damaged: %w", err)
		}
		if r.Source = source; record != "" {
			r.Record = json.RawMessage(record)
		}
		if r.ID == prefix {
			return r, nil
		}
		list = append(list, r)
	}
	switch {
	case rows.Err() != nil:
		return runs.Run{}, wrap(rows.Err())
	case len(list) == 0:
		return runs.Run{}, fmt.Errorf("runs: %w: %.80q", runs.ErrNotFound, prefix)
	case len(list) > 1:
		return runs.Run{}, fmt.Errorf("runs: %w: %q begins %s and %s", runs.ErrAmbiguous, prefix, list[0].ID, list[1].ID)
	}
	return list[0], nil
}

// Events implements runs.Store.
func (s *Store) Events(ctx context.Context, id string) ([]runs.Event, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT seq, data FROM events WHERE run = ? ORDER BY seq`, id)
	if err != nil {
		return nil, wrap(err)
	}
	defer rows.Close()
	var list []runs.Event
	for rows.Next() {
		var seq int
		var data string
		if err := rows.Scan(&seq, &data); err != nil {
			return nil, wrap(err)
		}
		list = append(list, runs.Event{Seq: seq, Data: json.RawMessage(data)})
	}
	return list, wrap(rows.Err())
}

// where writes a filter as SQL.
func where(f runs.Filter) (string, []any) {
	terms, args := []string{"1"}, []any(nil)
	add := func(term string, arg any) { terms, args = append(terms, term), append(args, arg) }
	if f.State != "" {
		add("state = ?", f.State)
	}
	if f.Tag != "" {
		add("instr(tags, ?) > 0", " "+f.Tag+" ")
	}
	if f.Notebook != "" {
		add("notebook = ?", f.Notebook)
	}
	if f.Endpoint != "" {
		add("endpoint = ?", f.Endpoint)
	}
	if f.Parent != "" {
		add("parent = ?", f.Parent)
	}
	if !f.Since.IsZero() {
		add("created >= ?", f.Since.UnixNano())
	}
	return strings.Join(terms, " AND "), args
}

// List implements runs.Store.
func (s *Store) List(ctx context.Context, f runs.Filter) ([]runs.Run, int, error) {
	if f.Limit == 0 {
		f.Limit = runs.DefaultLimit
	}
	terms, args := where(f)
	all := 0
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM runs WHERE `+terms, args...).Scan(&all); err != nil {
		return nil, 0, wrap(err)
	}
	rows, err := s.db.QueryContext(ctx, `SELECT summary FROM runs WHERE `+terms+` ORDER BY created DESC, id LIMIT ?`, append(args, f.Limit)...)
	if err != nil {
		return nil, 0, wrap(err)
	}
	defer rows.Close()
	var list []runs.Run
	for rows.Next() {
		var summary sql.RawBytes
		if err := rows.Scan(&summary); err != nil {
			return nil, 0, wrap(err)
		}
		var r runs.Run
		if err := json.Unmarshal(summary, &r); err != nil {
			return nil, 0, fmt.Errorf("runs: the store is damaged: %w", err)
		}
		list = append(list, r)
	}
	return list, all, wrap(rows.Err())
}

// Sums implements runs.Store.
func (s *Store) Sums(ctx context.Context, by string, since time.Time) ([]runs.Sum, error) {
	if !slices.Contains(runs.Groupings(), by) {
		return nil, fmt.Errorf("runs: unknown grouping %q, want one of %s", by, strings.Join(runs.Groupings(), ", "))
	}
	order := "sum(dollars) + sum(others) DESC, 3 DESC, 1"
	if by == "day" {
		order = "1 DESC"
	}
	from := int64(0)
	if !since.IsZero() {
		from = since.UnixNano()
	}
	rows, err := s.db.QueryContext(ctx, `SELECT `+by+`, sum(runs), sum(billed), sum(dollars), sum(others) FROM (
		SELECT `+by+`, 1 AS runs, billed, dollars, 0 AS others FROM runs WHERE created >= ?1 UNION ALL
		SELECT `+by+`, 0, 0, 0, dollars FROM charges WHERE at >= ?1 AND open = 0 AND id NOT IN (SELECT id FROM runs)) GROUP BY 1 ORDER BY `+order, from)
	if err != nil {
		return nil, wrap(err)
	}
	defer rows.Close()
	var list []runs.Sum
	for rows.Next() {
		var x runs.Sum
		if err := rows.Scan(&x.Group, &x.Runs, &x.Billed, &x.Dollars, &x.Others); err != nil {
			return nil, wrap(err)
		}
		list = append(list, x)
	}
	return list, wrap(rows.Err())
}
