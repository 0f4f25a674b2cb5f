package runpod

import (
	"net/http"
	"time"
)

// An Op is an operation of the job API.
type Op string

// The operations of an endpoint that has a queue.
//
// Source: docs.runpod.io, Serverless, "Endpoint operations".
const (
	OpRun        Op = "run"
	OpRunSync    Op = "runsync"
	OpStatus     Op = "status"
	OpStream     Op = "stream"
	OpCancel     Op = "cancel"
	OpRetry      Op = "retry"
	OpPurgeQueue Op = "purge-queue"
	OpHealth     Op = "health"
)

// A Limit says how many requests of one operation an endpoint accepts.
type Limit struct {
	Requests   int           // in any window of Per
	Per        time.Duration // 10 s in RunPod's table
	Concurrent int           // at the same time
}

// Payload limits: 10 MB for run and 20 MB for runsync. A MB is 2^20 bytes, as RunPod's own
// command line counts it.
//
// Source: docs.runpod.io, Serverless, "Send API requests".
const (
	MaxRunBody     = 10 << 20
	MaxRunSyncBody = 20 << 20
)

// An opSpec is what the client has to know about an operation.
type opSpec struct {
	method  string
	limit   Limit
	maxBody int64
	// repeatable means that sending the request twice has the same effect as sending it once.
	repeatable bool
	// maxAnswer bounds an answer without a job's output; 0 means that only Config.MaxAnswer applies.
	maxAnswer int64
	// holds means that the server may keep the request open on purpose.
	holds bool
}

const per = 10 * time.Second

// Limits for answers: those with a few numbers, and lists of what an account has.
const (
	smallAnswer = 1 << 20
	listAnswer  = 32 << 20
)

// ops has the base limits of the documented table; the real limits grow with the number of
// running workers. Health is not in that table. ops must not change.
var ops = map[Op]opSpec{
	OpRun:        {http.MethodPost, Limit{1000, per, 200}, MaxRunBody, false, smallAnswer, false},
	OpRunSync:    {http.MethodPost, Limit{2000, per, 400}, MaxRunSyncBody, false, 0, true},
	OpStatus:     {http.MethodGet, Limit{2000, per, 400}, 0, true, 0, false},
	OpStream:     {http.MethodGet, Limit{2000, per, 400}, 0, true, 0, true},
	OpCancel:     {http.MethodPost, Limit{100, per, 20}, 0, true, 0, false},
	OpRetry:      {http.MethodPost, Limit{100, per, 20}, 0, false, 0, false},
	OpPurgeQueue: {http.MethodPost, Limit{2, per, 1}, 0, false, smallAnswer, false},
	OpHealth:     {http.MethodGet, Limit{100, per, 20}, 0, true, smallAnswer, false},
	opManageRead: {"", Limit{60, time.Minute, 10}, 0, true, listAnswer, false},
	opManage:     {"", Limit{60, time.Minute, 10}, 1 << 20, false, listAnswer, false},
}

// The management API counts its requests by account and minute.
//
// Source: its RateLimit-Policy header.
const (
	opManageRead Op = "read"
	opManage     Op = "manage"
)
