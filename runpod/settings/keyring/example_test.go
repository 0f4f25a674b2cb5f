package keyring_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gopherpod/gopherpod/runpod/settings"
	"github.com/gopherpod/gopherpod/runpod/settings/keyring"
)

// A program that starts takes from the keyring the variables that are not set elsewhere.
func ExampleLoad() {
	set, err := settings.Read(".env")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := keyring.Load(context.Background(), 3*time.Second, set); err != nil {
		fmt.Println(err)
	}
	fmt.Println(set.From("RUNPOD_API_KEY").In())
}
