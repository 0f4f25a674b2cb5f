// Package store puts data where workers can read them, and there only once: every
// object is named by the sha256 of its content.
//
//	receipt, err := store.Send(ctx, s, store.Bytes(data), store.Options{})
//	fmt.Println(receipt) // 9f3c41d2a0b7 40.0 MB, already there, 0 B sent
//
// A Store is a folder (Dir; the embedded endpoint's), or a bucket or network
// volume (package s3 below this one, apart because of its size). What is larger
// than a part is cut into parts, each an object of its own, and a list under the
// name of the whole: what a broken connection had carried over is not sent again,
// and no more than a few parts are in flight. Digest and length are checked on
// both ways.
//
// A tensor is one object, in the form and at the place where our worker looks for
// {"sha256": digest}: with the root of a store at /runpod-volume/gopherpod,
// SendTensor puts data where a job finds them.
//
//	store.go    Store, and the names of objects
//	send.go     Send: what is missing, in parts
//	fetch.go    Fetch: the whole again, verified
//	content.go  Content: what can be read from any place
//	tensor.go   SendTensor, FetchTensor
//	dir.go      Dir
//	prune.go    Prune: what was not used for long goes
//	storetest/  what every Store must do, as a test
package store
