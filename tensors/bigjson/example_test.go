package bigjson_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/gopherpod/gopherpod/tensors/bigjson"
)

// A document with a large string out and in again; the string is never copied.
func Example() {
	type message struct{ Name, Data string }
	segments, err := bigjson.Marshal(message{"X", strings.Repeat("AQID", 1e6)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(segments), "segments,", segments.Len(), "bytes")

	document := segments.Bytes() // as it comes from the network
	var m message
	if err := bigjson.Unmarshal(document, &m); err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Name, len(m.Data))
	// Output:
	// 3 segments, 4000022 bytes
	// X 4000000
}
