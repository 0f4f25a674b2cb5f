package wire_test

import (
	"errors"
	"fmt"

	"github.com/gopherpod/gopherpod/kernel/wire"
)

func Example() {
	key, err := wire.NewKey("a secret of the connection file", "hmac-sha256")
	if err != nil {
		fmt.Println(err)
		return
	}
	content, err := wire.Marshal(map[string]string{"code": "x := 1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	frames := wire.Encode(wire.Message{Header: wire.Header{MsgID: "1", MsgType: "execute_request"}, Content: content}, key)

	m, err := wire.Decode(frames, key)
	fmt.Println(m.Header.MsgType, string(m.Content), err)

	frames[len(frames)-1] = []byte(`{"code":"panic(1)"}`)
	_, err = wire.Decode(frames, key)
	fmt.Println(errors.Is(err, wire.ErrSignature))
	// Output:
	// execute_request {"code":"x := 1"} <nil>
	// true
}
