// Package policy states what RunPod allows in a job's policy, for the client, which
// checks before it asks, and for the local endpoint, which refuses as RunPod does. The
// tests compare both with RunPod's SDKs.
//
//	policy.go   the bounds and the defaults
package policy
