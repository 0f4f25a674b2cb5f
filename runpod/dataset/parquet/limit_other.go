//go:build !linux

package parquet

// LimitMemory does nothing: only Linux limits the data of a process.
func LimitMemory() error { return nil }
