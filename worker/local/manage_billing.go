package local

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// usage is how many seconds workers were up in each hour; the key is the hour's
// start in Unix seconds. It is all that the queue keeps of workers that are
// gone.
type usage map[int64]float64

// add spreads the time from a to b over the hours.
func (u usage) add(a, b time.Time) {
	for a.Before(b) {
		hour := a.UTC().Truncate(time.Hour)
		end := earlier(b, hour.Add(time.Hour))
		u[hour.Unix()] += end.Sub(a).Seconds()
		a = end
	}
}

// usedLocked records the time of a worker that stops, rounded up to a second. A
// worker that waits for a machine costs nothing.
func (q *queue) usedLocked(w *workerRecord) {
	if w.state == workerThrottled {
		return
	}
	q.usage.add(w.since, w.since.Add(roundUp(q.opt.Clock.Now().Sub(w.since))))
}

func roundUp(d time.Duration) time.Duration { return (d + time.Second - 1).Truncate(time.Second) }

// used returns the time of all workers, including those that are up.
func (q *queue) used() usage {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := usage{}
	for h, s := range q.usage {
		all[h] = s
	}
	now := q.opt.Clock.Now()
	for _, w := range q.workers {
		if w.state != workerThrottled {
			all.add(w.since, now)
		}
	}
	return all
}

// A bill is what an endpoint's workers cost in one bucket.
type bill struct {
	start, end time.Time
	id         string
	amount     float64
}

// A billKind is one of the reports below /v2/billing. Only workers of Serverless cost anything
// here: all other reports are empty.
type billKind struct {
	id      string   // the name of the id in records and queries; "" if records have none
	unique  string   // the name of the number of ids
	amounts []string // names of the amounts
	workers string   // the amount that the workers' time belongs to; "" if none
}

var billKinds = map[string]billKind{
	"": {amounts: []string{"totalAmount", "podGpuAmount", "podCpuAmount", "podDiskAmount", "serverlessGpuAmount", "serverlessCpuAmount", "serverlessDiskAmount", "serverlessFeeAmount",
		"storageStandardAmount", "storageHighPerformanceAmount", "endpointAmount", "clusterGpuAmount", "clusterDiskAmount", "clusterNetworkingAmount"}, workers: "serverlessGpuAmount"},
	"serverless":      {"serverlessId", "uniqueServerlessCount", []string{"totalAmount", "gpuAmount", "cpuAmount", "diskAmount", "feeAmount"}, "gpuAmount"},
	"pods":            {"podId", "uniquePodCount", []string{"totalAmount", "gpuAmount", "cpuAmount", "diskAmount"}, ""},
	"endpoints":       {"", "", []string{"totalAmount"}, ""},
	"network-volumes": {"networkVolumeId", "uniqueNetworkVolumeCount", []string{"totalAmount", "standardAmount", "highPerformanceAmount"}, ""},
	"clusters":        {"clusterId", "uniqueClusterCount", []string{"totalAmount", "gpuAmount", "diskAmount", "networkingAmount"}, ""},
}

// amountsOf returns all amounts of a record.
func (k billKind) amountsOf(amount float64) map[string]any {
	all := map[string]any{}
	for _, name := range k.amounts {
		all[name] = 0.0
	}
	if k.workers != "" {
		all["totalAmount"], all[k.workers] = amount, amount
	}
	return all
}

// billing answers /v2/billing and the reports below it. Every worker is billed from its
// start to its end, at the endpoint's price; the time window is widened to whole
// buckets.
func (s *Server) billing(r *http.Request, parts []string) (int, any, error) {
	kind, ok := billKinds[strings.Join(parts, "/")]
	if !ok {
		return 0, nil, errNotFound
	}
	if r.Method != http.MethodGet {
		return 0, nil, newProblem(http.StatusMethodNotAllowed, "method not allowed")
	}
	q := r.URL.Query()
	bucket := q.Get("bucketSize")
	def(&bucket, "day")
	if !slices.Contains([]string{"hour", "day", "week", "month", "year"}, bucket) {
		return 0, nil, newProblem(http.StatusBadRequest, "bucketSize %q is not hour, day, week, month or year", bucket)
	}
	from, to, err := s.billWindow(q.Get("startTime"), q.Get("endTime"), q.Get("lastN"), bucket)
	if err != nil {
		return 0, nil, err
	}
	query := map[string]any{"startTime": from, "endTime": to, "bucketSize": bucket}
	var bills []bill
	if kind.workers != "" {
		bills = s.bills(from, to, bucket, q.Get(kind.id))
	}
	if kind.id == "" {
		bills = byTime(bills)
	} else {
		query[kind.id] = orNil(q.Get(kind.id))
	}
	records, total, ids := []any{}, 0.0, map[string]bool{}
	for _, b := range bills {
		record := kind.amountsOf(b.amount)
		record["startTime"], record["endTime"] = b.start, b.end
		if kind.id != "" {
			record[kind.id] = b.id
		}
		records = append(records, record)
		total += b.amount
		ids[b.id] = true
	}
	metadata := map[string]any{"query": query, "recordCount": len(records), "totals": kind.amountsOf(total)}
	if kind.unique != "" {
		metadata[kind.unique] = len(ids)
	}
	return http.StatusOK, map[string]any{"records": records, "metadata": metadata}, nil
}

// byTime adds up the bills of each bucket; they are sorted by time.
func byTime(bills []bill) (sums []bill) {
	for _, b := range bills {
		if n := len(sums); n > 0 && sums[n-1].start.Equal(b.start) {
			sums[n-1].amount += b.amount
			continue
		}
		sums = append(sums, bill{start: b.start, end: b.end, amount: b.amount})
	}
	return sums
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (s *Server) billWindow(start, end, lastN, bucket string) (from, to time.Time, err error) {
	to = s.opt.Clock.Now().UTC()
	from = bucketOf(to, bucket)
	if lastN != "" {
		n, err := strconv.Atoi(lastN)
		if err != nil || n < 1 || n > 10_000 {
			return from, to, newProblem(http.StatusBadRequest, "lastN must be 1 to 10000")
		}
		for range n - 1 {
			from = bucketOf(from.Add(-time.Second), bucket)
		}
	}
	if start != "" {
		if from, err = time.Parse(time.RFC3339, start); err != nil {
			return from, to, newProblem(http.StatusBadRequest, "startTime is not RFC 3339")
		}
	}
	if end != "" {
		if to, err = time.Parse(time.RFC3339, end); err != nil {
			return from, to, newProblem(http.StatusBadRequest, "endTime is not RFC 3339")
		}
	}
	if from = bucketOf(from.UTC(), bucket); !to.After(from) {
		return from, to, newProblem(http.StatusBadRequest, "endTime is not after startTime")
	}
	if b := bucketOf(to.UTC(), bucket); !b.Equal(to) {
		to = bucketEnd(b, bucket)
	}
	return from, to.UTC(), nil
}

// bills returns the records, sorted by time and endpoint.
func (s *Server) bills(from, to time.Time, bucket, only string) []bill {
	type key struct {
		start int64
		id    string
	}
	sums := map[key]float64{}
	for _, e := range s.all() {
		if only != "" && only != e.id {
			continue
		}
		for hour, seconds := range e.q.used() {
			at := time.Unix(hour, 0).UTC()
			if !at.Before(from) && at.Before(to) {
				sums[key{bucketOf(at, bucket).Unix(), e.id}] += seconds * e.q.opt.PricePerHour / 3600
			}
		}
	}
	records := make([]bill, 0, len(sums))
	for k, amount := range sums {
		start := time.Unix(k.start, 0).UTC()
		records = append(records, bill{start, bucketEnd(start, bucket), k.id, amount})
	}
	slices.SortFunc(records, func(a, b bill) int {
		return cmp.Or(a.start.Compare(b.start), strings.Compare(a.id, b.id))
	})
	return records
}

// bucketOf returns the start of the bucket that contains t; weeks begin on
// Monday.
func bucketOf(t time.Time, bucket string) time.Time {
	t = t.UTC()
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	switch bucket {
	case "day":
		return day
	case "week":
		return day.AddDate(0, 0, -int(day.Weekday()+6)%7)
	case "month":
		return day.AddDate(0, 0, 1-day.Day())
	case "year":
		return time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return t.Truncate(time.Hour)
}

func bucketEnd(start time.Time, bucket string) time.Time {
	switch bucket {
	case "day":
		return start.AddDate(0, 0, 1)
	case "week":
		return start.AddDate(0, 0, 7)
	case "month":
		return start.AddDate(0, 1, 0)
	case "year":
		return start.AddDate(1, 0, 0)
	}
	return start.Add(time.Hour)
}
