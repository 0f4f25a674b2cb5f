// Package pause waits, unless the context ends.
package pause

import (
	"context"
	"time"
)

// For waits for d, or returns the cause of ctx's end.
func For(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
