package runpod

import (
	"context"
	"net/url"
	"time"
)

// A BillingQuery names a time and the size of its buckets. The service widens the time to
// whole buckets.
type BillingQuery struct {
	Start, End time.Time
	Bucket     string     // hour, day, week, month, year; default hour
	Endpoint   EndpointID // default all
}

// A BillingRecord says what an endpoint cost in one bucket, in US dollars. The service has no
// buckets shorter than an hour, and no costs of single jobs.
type BillingRecord struct {
	StartTime    time.Time  `json:"startTime"`
	EndTime      time.Time  `json:"endTime"`
	ServerlessID EndpointID `json:"serverlessId"`
	TotalAmount  float64    `json:"totalAmount"`
	GPUAmount    float64    `json:"gpuAmount"`
	CPUAmount    float64    `json:"cpuAmount"`
	DiskAmount   float64    `json:"diskAmount"`
	FeeAmount    float64    `json:"feeAmount"`
}

// Billing lists what serverless endpoints cost.
//
// Source: docs.runpod.io, API reference (v2), billing/serverless.
func (m *Management) Billing(ctx context.Context, q BillingQuery) ([]BillingRecord, error) {
	if q.Start.IsZero() || !q.End.After(q.Start) {
		return nil, invalid(opManageRead, q.Endpoint, "billing wants a start and an end after it")
	}
	v := url.Values{"startTime": {q.Start.UTC().Format(time.RFC3339)}, "endTime": {q.End.UTC().Format(time.RFC3339)}, "bucketSize": {"hour"}}
	if q.Bucket != "" {
		v.Set("bucketSize", q.Bucket)
	}
	if q.Endpoint != "" {
		v.Set("serverlessId", string(q.Endpoint))
	}
	return list[BillingRecord](ctx, m, "records", v, "billing", "serverless")
}
