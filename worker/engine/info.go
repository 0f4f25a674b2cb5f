package engine

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"gonum.org/v1/gonum/blas"

	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
	"github.com/gopherpod/gopherpod/worker/engine/sgemm"
)

// device names what the engine computes on, in every answer.
const device = "cpu"

// gpuInfo answers gpu_info: there is no GPU, so it describes the machine.
func gpuInfo() *worker.Response {
	info := map[string]any{
		"cuda_available": false, "device_count": 0, "device_name": device, "cpu_name": fromProc("/proc/cpuinfo", "model name"),
		"cpu_count": runtime.NumCPU(), "threads": runtime.GOMAXPROCS(0), "vector_instructions": sgemm.Fast(),
		"memory_total": kilobytes("MemTotal"), "memory_free": kilobytes("MemAvailable"),
		"go_version": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH, "precisions": contract.SupportOf(contract.WorkerEngine).Precisions,
	}
	return &worker.Response{Operation: worker.OpGPUInfo, Status: "success", GPUInfo: info, BenchmarkResults: benchmark(512, 100*time.Millisecond)}
}

// benchmark multiplies square matrices for a while.
func benchmark(size int, length time.Duration) map[string]any {
	begun := time.Now()
	a, b, c := make([]float32, size*size), make([]float32, size*size), make([]float32, size*size)
	fill(a, 0.5)
	fill(b, 0.5)
	created := time.Since(begun).Seconds()
	count, start := 0, time.Now()
	for time.Since(start) < length {
		sgemm.BLAS{}.Sgemm(blas.NoTrans, blas.NoTrans, size, size, size, 1, a, size, b, size, 0, c, size)
		count++
	}
	spent := time.Since(start).Seconds()
	flops := 2 * float64(size) * float64(size) * float64(size) * float64(count)
	return map[string]any{"matrix_size": size, "products": count, "seconds": spent, "creation_seconds": created, "gflops": flops / spent / 1e9, "device_used": device}
}

// fromProc returns the value of the first line of a Linux file that begins with key,
// or "".
func fromProc(file, key string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			return strings.Trim(rest, " \t:\n")
		}
	}
	return ""
}

// kilobytes reads a size from /proc/meminfo and returns it in bytes; 0 means unknown.
func kilobytes(key string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(fromProc("/proc/meminfo", key), " kB"))
	if err != nil {
		return 0
	}
	return n * 1024
}

// capabilities answers the operation from the contract's tables.
func capabilities(o *Options) *worker.Response {
	s := contract.SupportOf(contract.WorkerEngine)
	var operations []worker.Operation
	for _, name := range s.Operations {
		operations = append(operations, worker.Operation(name))
	}
	return &worker.Response{Operation: worker.OpCapabilities, Status: "success", Capabilities: &worker.Capabilities{
		Protocols: []int{0, worker.Protocol}, Operations: operations, Layers: s.Layers, Models: s.Models,
		Losses: s.Losses, Optimizers: s.Optimizers, Schedulers: s.Schedulers, Precisions: s.Precisions, MaxBytes: o.maxBytes(), Features: s.Features,
		Versions: map[string]string{"go": runtime.Version()},
	}}
}
