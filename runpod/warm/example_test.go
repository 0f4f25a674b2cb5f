package warm_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/warm"
)

// Trainings of the next half hour do not wait for the start of a worker.
func ExampleKeep() {
	here, err := place.Locate()
	if err != nil {
		log.Fatal(err)
	}
	k, err := warm.Keep(context.Background(), here.Endpoint, warm.Options{For: 30 * time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	defer k.Stop()
	fmt.Printf("$%.2f an hour until %s", k.State().Hour, k.State().Until.Format(time.Kitchen))
}
