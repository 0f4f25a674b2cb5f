//go:build !linux

package setup

// networkFS returns "", because it recognizes file systems only on Linux.
func networkFS(string) string { return "" }

// UsedBy returns false: which processes use a folder is not known on this system.
func UsedBy(string) (pid int, known bool) { return 0, false }
