// Package place finds out where a job goes and what it costs there: the endpoint that the
// environment names, the store that its workers read data from, and the price of a second.
//
//	here, err := place.Locate()       // RunPod's endpoint, else the one on this machine
//	data, err := place.StoreOf(here.Endpoint)
//	rate, err := place.FindRate(ctx, here, "ADA_24")
//
// The package sends no jobs. Only FindRate uses the network, for 3 seconds at most; if it
// cannot find a price, the price is unknown.
//
//	store.go   where an endpoint's workers read data
//	place.go   which endpoint
//	price.go   what a worker costs
//	pools.go   what it would cost on other kinds of GPU
package place
