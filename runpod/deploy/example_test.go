package deploy_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/deploy"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// A plan says what would be created and what it costs, before anything is changed. Here the
// account is a server on this machine with RunPod's management API.
func ExampleNewPlan() {
	ctx := context.Background()
	s, err := local.Start(ctx, local.Options{Handler: engine.Handler(engine.Options{})})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	client, err := runpod.New(runpod.Config{BaseURL: s.BaseURL(), ManagementURL: s.BaseURL(), APIKey: runpod.Secret(s.Key())})
	if err != nil {
		log.Fatal(err)
	}
	plan, err := deploy.NewPlan(ctx, client.Management(), deploy.Options{Image: "you/worker:1"})
	if err != nil {
		log.Fatal(err)
	}
	text := fmt.Sprint(plan)
	fmt.Println(strings.Contains(text, "you/worker:1"), strings.Contains(text, "to be made"))
	// Output: true true
}
