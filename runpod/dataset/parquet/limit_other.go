//go:build !linux

package parquet

// LimitMemory does nothing, because only Linux can limit the data of a process.
func LimitMemory() error { return nil }
