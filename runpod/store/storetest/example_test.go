package storetest_test

import (
	"testing"

	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/runpod/store/storetest"
)

// The test of a store is one line.
func ExampleRun() {
	_ = func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Store { return store.Dir(t.TempDir()) })
	}
	// Output:
}
