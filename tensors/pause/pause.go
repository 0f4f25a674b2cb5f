// Package pause waits for some time or until a context is done.
package pause

import (
	"context"
	"time"
)

// For waits for d. If ctx is done first, it returns the cause.
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
