package budget_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
)

// A job begins with a reservation and ends with its bill.
func ExampleBegin() {
	evaluate := func(ctx context.Context, e *runpod.Endpoint) error {
		ctx, charge, err := budget.Begin(ctx, e, budget.Job{Kind: "evaluate"})
		if err != nil {
			return err // nothing was sent
		}
		defer charge.End(ctx)
		submitted := time.Now()
		job, err := e.Call(ctx, runpod.Request{Input: map[string]string{"operation": "evaluate"}})
		if err == nil {
			charge.Ran(job, submitted)
		}
		return err
	}
	_ = evaluate
	fmt.Println(budget.Money(0.0419))
	// Output: $0.0419
}
