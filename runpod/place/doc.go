// Package place answers where a job goes and what it costs there: which endpoint the
// environment names, which store its workers read data from, and the price of a second.
//
//	here, err := place.Locate()       // RunPod's endpoint, else the one on this machine
//	data, err := place.StoreOf(here.Endpoint)
//	rate, err := place.FindRate(ctx, here, "ADA_24")
//
// Nothing here sends a job. FindRate alone asks the network, for 3 seconds at most, and
// takes a price that it cannot find for unknown.
//
//	store.go   where an endpoint's workers read data
//	place.go   which endpoint
//	price.go   what a worker costs
package place
