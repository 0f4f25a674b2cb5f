//go:build !unix

package environ

import "io/fs"

// nonBlocking: a file system without FIFOs needs no flag.
const nonBlocking = 0

// trusted: a link cannot be made by everybody there.
func trusted(fs.FileInfo) bool { return true }
