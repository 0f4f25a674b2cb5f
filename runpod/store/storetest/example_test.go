package storetest_test

import (
	"testing"

	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/runpod/store/storetest"
)

// Testing a store takes one line.
func ExampleRun() {
	_ = func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Store { return store.Dir(t.TempDir()) })
	}
	// Output:
}
