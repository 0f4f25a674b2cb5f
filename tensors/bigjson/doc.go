// Package bigjson moves JSON documents whose strings are large, such as arrays in
// base64, through encoding/json at the speed of memory.
//
// encoding/json reads every byte of a string several times; a document of 100 MB
// takes it most of a second each way. This package takes the long strings out first.
// encoding/json then sees a skeleton, the same document with a short token instead
// of each long string, and the strings are never copied: [Unmarshal] lets them share the
// document's memory, and [Marshal] returns the document as segments that can be written
// to the network in place.
//
//	scan.go       finding long strings: the one loop that looks at every byte
//	document.go   a document as skeleton and strings
//	unmarshal.go  Unmarshal: tokens back to strings in a decoded value
//	marshal.go    Marshal: a value to segments
//	segments.go   Segments: sizes, readers, writing
//
// Both functions behave like their namesakes in encoding/json; if a token could mislead
// a type that encodes or decodes itself, they leave the work to encoding/json.
package bigjson
