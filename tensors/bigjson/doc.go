// Package bigjson moves JSON documents whose strings are large, such as arrays in
// base64, through encoding/json at the speed of memory.
//
// encoding/json reads every byte of a string several times; a document of 100 MB
// takes it the better part of a second each way. Here the long strings are taken
// out first. encoding/json then sees a skeleton, the same document with a short
// token in the place of each long string, and the strings themselves are never
// copied: [Unmarshal] lets them share the document's memory, and [Marshal] gives
// the document as segments that go to the network as they lie.
//
//	scan.go       finding long strings: the one loop that looks at every byte
//	document.go   a document as skeleton and strings
//	unmarshal.go  Unmarshal: tokens back to strings in a decoded value
//	marshal.go    Marshal: a value to segments
//	segments.go   Segments: sizes, readers, writing
//
// Both functions mean what their namesakes in encoding/json mean; where a type
// that encodes or decodes itself could be misled by a token, they leave the work
// to encoding/json.
package bigjson
