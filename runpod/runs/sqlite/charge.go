package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/gopherpod/gopherpod/runpod/runs"
)

// slack is how far charges may pass a budget, for sums of floating point numbers.
const slack = 1e-9

// Charge implements runs.Store.
func (s *Store) Charge(ctx context.Context, c runs.Charge, within ...runs.Budget) error {
	if err := c.Check(); err != nil {
		return err
	}
	tx, err := s.db.BeginTx(ctx, nil) // immediate: nobody else writes between the sums and the insert
	if err != nil {
		return wrap(err)
	}
	defer tx.Rollback()
	for _, b := range within {
		spent, err := spent(ctx, tx, b, c.ID)
		if err != nil {
			return wrap(err)
		}
		if spent.Settled+spent.Open+c.Dollars > b.Most+slack {
			return &runs.OverBudget{Budget: b, Spending: spent, Want: c.Dollars}
		}
	}
	// A charge keeps its time, notebook and session, even if another process settles it.
	_, err = tx.ExecContext(ctx, `INSERT INTO charges VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET
		open = excluded.open, seconds = excluded.seconds, dollars = excluded.dollars`,
		c.ID, c.At.UnixNano(), c.At.UTC().Format(time.DateOnly), c.Kind, c.Open, c.Endpoint, c.Notebook, c.Session, c.Seconds, c.Dollars)
	if err != nil {
		return wrap(err)
	}
	return wrap(tx.Commit())
}

// Spent implements runs.Store.
func (s *Store) Spent(ctx context.Context, b runs.Budget) (runs.Spending, error) {
	sum, err := spent(ctx, s.db, b, "")
	return sum, wrap(err)
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// spent adds up the charges that count against a budget, other than the one with that id. A
// budget of all sessions also counts runs without a charge, which an earlier gopherpod wrote.
func spent(ctx context.Context, db querier, b runs.Budget, except string) (sum runs.Spending, err error) {
	since := int64(0)
	if !b.Since.IsZero() {
		since = b.Since.UnixNano()
	}
	err = db.QueryRowContext(ctx, `SELECT total(iif(open, 0, dollars)), total(iif(open, dollars, 0)), count(iif(open, 1, NULL)) FROM (
		SELECT open, dollars FROM charges WHERE at >= ?1 AND id <> ?2 AND ?3 IN ('', session) AND ?4 IN ('', endpoint) UNION ALL
		SELECT 0, dollars FROM runs WHERE created >= ?1 AND id <> ?2 AND ?3 = '' AND ?4 IN ('', endpoint) AND id NOT IN (SELECT id FROM charges))`,
		since, except, b.Session, b.Endpoint).Scan(&sum.Settled, &sum.Open, &sum.Jobs)
	return sum, err
}
