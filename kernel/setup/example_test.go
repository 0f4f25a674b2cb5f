package setup_test

import (
	"context"
	"fmt"

	"github.com/gopherpod/gopherpod/kernel/setup"
)

// What gopherpod doctor does. (Not run: what it finds depends on the machine.)
func ExampleDoctor() {
	for _, c := range setup.Doctor(context.Background(), setup.Find()) {
		if c.OK {
			fmt.Printf("ok    %s: %s\n", c.Name, c.Detail)
		} else {
			fmt.Printf("FAIL  %s: %s; %s\n", c.Name, c.Detail, c.Mend)
		}
	}
}

func ExampleLayout() {
	l := setup.Layout{Prefix: "/opt/gopherpod"}
	fmt.Println(l.Home())
	fmt.Println(l.Hosts())
	// Output:
	// /opt/gopherpod/share/gopherpod
	// /opt/gopherpod/share/gopherpod/hosts
}
