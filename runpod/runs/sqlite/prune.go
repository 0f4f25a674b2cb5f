package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/tensors/sqlfile"
)

// MaxBytes bounds the file, in bytes in use. Beyond it, the events of the oldest ended
// runs go; the runs themselves stay, with what repeats them and what they cost.
const MaxBytes = 1_000_000_000

// collectable is how long the weights of a run may still be collected, which needs its
// events: a job lives for at most 7 days.
const collectable = 7 * 24 * time.Hour

// onePrune bounds what one call of prune removes, so that nobody waits for long.
const onePrune = MaxBytes / 4

// grow counts what was added, and prunes the file from time to time.
func (s *Store) grow(ctx context.Context, events []runs.Event) error {
	var n int64
	for _, e := range events {
		n += int64(len(e.Data))
	}
	if s.added.Add(n) < s.max/64 {
		return nil
	}
	s.added.Store(0)
	return s.prune(ctx, time.Now().Add(-collectable))
}

// prune removes events of the oldest runs that have ended and were created before a time,
// if the file has more than its bound, until it has three quarters of it. It leaves open
// runs alone.
func (s *Store) prune(ctx context.Context, before time.Time) error {
	used, err := sqlfile.Used(s.db)
	if err != nil || used <= s.max {
		return err
	}
	target := max(s.max/4*3, used-onePrune)
	ids, err := s.withEvents(ctx, before)
	for _, id := range ids {
		if err != nil || used <= target {
			break
		}
		if _, err = s.db.ExecContext(ctx, `DELETE FROM events WHERE run = ?`, id); err == nil {
			used, err = sqlfile.Used(s.db)
		}
	}
	return err
}

// withEvents returns the ended runs created before a time that have events, the oldest
// first.
func (s *Store) withEvents(ctx context.Context, before time.Time) (ids []string, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id FROM runs WHERE state <> 'open' AND created < ?
		AND EXISTS (SELECT 1 FROM events WHERE run = id) ORDER BY created`, before.UnixNano())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Compact gives the room of what was removed from the file at path back to the disk. With
// a time, it first removes the runs that were created before it and have ended, with their
// records and events; it returns how many. Open runs stay. A file that does not exist is
// no error. It may be called while kernels use the file; it waits up to 5 s for them.
func Compact(ctx context.Context, path string, before time.Time) (removed int, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || path == "" {
		return 0, nil
	}
	s, err := Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if !before.IsZero() {
		if removed, err = s.remove(ctx, before); err != nil {
			return 0, fmt.Errorf("runs: %s: %w", path, err)
		}
	}
	if err := sqlfile.Shrink(s.db); err != nil {
		return removed, fmt.Errorf("runs: %s: %w", path, err)
	}
	return removed, nil
}

// remove removes the ended runs created before a time.
func (s *Store) remove(ctx context.Context, before time.Time) (int, error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	const those = `(SELECT id FROM runs WHERE state <> 'open' AND created < ?)`
	for _, q := range []string{`DELETE FROM events WHERE run IN ` + those, `DELETE FROM records WHERE id IN ` + those} {
		if _, err := tx.ExecContext(ctx, q, before.UnixNano()); err != nil {
			return 0, err
		}
	}
	// Charges of today stay, because budgets count them.
	old := before
	if today := time.Now().UTC().Truncate(24 * time.Hour); old.After(today) {
		old = today
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM charges WHERE open = 0 AND at < ?`, old.UnixNano()); err != nil {
		return 0, err
	}
	done, err := tx.ExecContext(ctx, `DELETE FROM runs WHERE state <> 'open' AND created < ?`, before.UnixNano())
	if err != nil {
		return 0, err
	}
	n, err := done.RowsAffected()
	if err != nil {
		return 0, err
	}
	return int(n), tx.Commit()
}

// Ended returns how many runs in the file at path were created before a time and have
// ended: those that Compact would remove.
func Ended(ctx context.Context, path string, before time.Time) (n int, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || path == "" {
		return 0, nil
	}
	s, err := Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM runs WHERE state <> 'open' AND created < ?`, before.UnixNano()).Scan(&n)
	return n, wrap(err)
}
