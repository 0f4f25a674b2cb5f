package zmtp_test

import (
	"fmt"

	"github.com/gopherpod/gopherpod/kernel/zmtp"
)

// A server answers a client.
func Example() {
	server, err := zmtp.Listen("tcp", "127.0.0.1:0", zmtp.Config{
		Type:    zmtp.Router,
		Receive: func(p *zmtp.Peer, m zmtp.Message) { p.Send(zmtp.Message{[]byte("hello, " + string(m[0]))}) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close(0)
	answer := make(chan string)
	client, peer, err := zmtp.Dial("tcp", server.Addr().String(), zmtp.Config{
		Type:    zmtp.Dealer,
		Receive: func(_ *zmtp.Peer, m zmtp.Message) { answer <- string(m[0]) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close(0)
	if err := peer.Send(zmtp.Message{[]byte("gopher")}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(<-answer)
	// Output: hello, gopher
}
