// Package store puts data where workers can read it, and sends it only once: every object
// is named by the sha256 of its content.
//
//	receipt, err := store.Send(ctx, s, store.Bytes(data), store.Options{})
//	fmt.Println(receipt) // 9f3c41d2a0b7 40.0 MB, already there, 0 B sent
//
// A Store is a folder (Dir, which the embedded endpoint uses), or a bucket or network
// volume (package s3, which is separate because its library is large). Content that is
// larger than a part is cut into parts. Each part is an object, and a list of the parts has
// the name of the whole. So parts that arrived before a connection broke are not sent again,
// and only a few parts are in flight at a time. Digest and length are checked when data is
// sent and when it is fetched.
//
// A tensor is one object, with the name and in the format that our worker expects for
// {"sha256": digest}: with the root of a store at /runpod-volume/gopherpod, SendTensor puts
// data where a job finds it.
//
//	store.go    Store, and the names of objects
//	send.go     Send: sends what is missing, in parts
//	fetch.go    Fetch: reads the parts and verifies the whole
//	content.go  Content: bytes that can be read from any offset
//	tensor.go   SendTensor, FetchTensor
//	dir.go      Dir
//	prune.go    Prune: removes what was not used for long
//	storetest/  a test for implementations of Store
package store
