// Package scratch makes folders that belong to one process: private, on a disk where
// programs can be made, and removed after their process even if it was killed.
//
//	places.go       which places for such folders are fit, and why others are not
//	folder.go       a folder, its lock, the folders that killed processes left
//	check_unix.go   what a file system allows; check_other.go for systems that do not report it
//
//	f, err := scratch.Make()
//	defer f.Close()
package scratch
