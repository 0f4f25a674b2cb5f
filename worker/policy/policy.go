package policy

import "time"

// The bounds of a job's policy, and what RunPod uses if nothing is given.
//
// Source: docs.runpod.io, Serverless, "Execution policies".
const (
	MinExecutionTimeout     = 5 * time.Second
	DefaultExecutionTimeout = 10 * time.Minute
	MinTTL                  = 10 * time.Second
	DefaultTTL              = 24 * time.Hour
	Max                     = 7 * 24 * time.Hour // of both
)
