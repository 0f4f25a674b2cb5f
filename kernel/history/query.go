package history

import (
	"fmt"
	"slices"
)

// Tail returns the last n cells of all sessions, oldest first, and none if n is
// below 1.
func (s *Store) Tail(n int) ([]Entry, error) {
	return s.newest(n, `SELECT session, line, source, output FROM history
		ORDER BY session DESC, line DESC LIMIT ?`, max(n, 0))
}

// Range returns the cells of one session with start <= line < stop. Session 0 is
// the current one, -1 the one before it, and so on; stop 0 means to the end.
func (s *Store) Range(session int64, start, stop int) ([]Entry, error) {
	var es []Entry
	var err error
	s.wait(func(f *file) {
		if session <= 0 {
			session += f.session
		}
		es, err = f.query(`SELECT session, line, source, output FROM history
			WHERE session = ?1 AND line >= ?2 AND (?3 = 0 OR line < ?3) ORDER BY line`, session, start, stop)
	})
	return es, err
}

// Search returns the cells whose whole source matches a glob pattern (*, ?,
// [a-z]), oldest first. If n is above 0 it returns only the newest n. With unique,
// a source that was run several times appears once, at its last run.
func (s *Store) Search(pattern string, n int, unique bool) ([]Entry, error) {
	if n <= 0 {
		n = -1 // SQLite: no limit
	}
	from := `history WHERE source GLOB ?`
	if unique {
		from = `(SELECT *, row_number() OVER (PARTITION BY source ORDER BY session DESC, line DESC) AS nth
			FROM history WHERE source GLOB ?) WHERE nth = 1`
	}
	return s.newest(n, `SELECT session, line, source, output FROM `+from+`
		ORDER BY session DESC, line DESC LIMIT ?`, pattern, n)
}

// newest runs a query that returns the newest entry first, and reverses the result.
func (s *Store) newest(n int, query string, args ...any) ([]Entry, error) {
	var es []Entry
	var err error
	s.wait(func(f *file) { es, err = f.query(query, args...) })
	slices.Reverse(es)
	return es, err
}

func (f *file) query(query string, args ...any) ([]Entry, error) {
	if f.db == nil {
		return nil, f.err
	}
	rows, err := f.db.Query(query, args...)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	defer rows.Close()
	var es []Entry
	for rows.Next() {
		var e Entry
		if err := rows.Scan(&e.Session, &e.Line, &e.Source, &e.Output); err != nil {
			return nil, fmt.Errorf("history: %w", err)
		}
		es = append(es, e)
	}
	return es, rows.Err()
}
