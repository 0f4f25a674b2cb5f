// Package transfer brings a request's arrays to where the workers of an endpoint can read
// them, and large results back.
//
//	p := &transfer.Parcel{Request: request, Set: tensors.Set{"X": x, "y": y}}
//	err := transfer.New(ctx, endpoint, nil, 0).Send(ctx, p, func(r *worker.Request) error {
//		output, err = transfer.Call(ctx, endpoint, r, runpod.Policy{})
//		return err
//	})
//
// Small arrays travel inside the request. Larger ones are sent before it, each once, and
// the request refers to them by digest. There are four ways: into a folder on this machine,
// into the network volume over S3, into a bucket from which the worker reads through
// presigned URLs, or as jobs of the operation store. Package place finds the one that the
// environment names. Both sides compute the digest of an array.
//
// A call that fails leaves its arrays in the store, where the next call finds them. Nothing
// is billed twice, because a worker refuses a request that lacks data before it computes.
//
//	call.go      one request as a job
//	shared.go    what parcels of the same arrays have in common
//	parcel.go    a request and its arrays, inside it or by digest; batches
//	transfer.go  Send: chooses the way, and retries
//	bucket.go    presigned URLs, and results that come back through a bucket
//	jobs.go      arrays as jobs of the operation store
package transfer
