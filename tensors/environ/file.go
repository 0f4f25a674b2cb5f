package environ

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// MaxFile is the most bytes that a file of settings may have: 1 MiB. Real files have
// a few hundred.
const MaxFile = 1 << 20

// ErrUnfit is the error for a file that ReadFile does not read.
var ErrUnfit = errors.New("unfit to be read")

// An unfit is the error for a file that ReadFile does not read, with the reason.
type unfit struct{ text string }

func (e unfit) Error() string        { return e.text }
func (e unfit) Is(target error) bool { return target == ErrUnfit }

// ReadFile reads a file of settings that the user may not have made: the working
// directory may belong to anybody. It never blocks, and what it reads is bounded: a
// file that is larger than MaxFile or not regular (a FIFO, a folder, a device) is an
// ErrUnfit, and so is another user's file behind a symbolic link, because whoever made
// the link may have chosen a file that only this user can read.
func ReadFile(name string) ([]byte, error) {
	link, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, unfit{fmt.Sprintf("%s is a folder: want a file of settings", name)}
	case !info.Mode().IsRegular():
		return nil, unfit{fmt.Sprintf("%s is %s: want a regular file of settings", name, kind(info.Mode()))}
	case info.Size() > MaxFile:
		return nil, unfit{fmt.Sprintf("%s has %d bytes: want a file of settings, of at most %d", name, info.Size(), MaxFile)}
	case !os.SameFile(link, info) && !trusted(info):
		return nil, unfit{fmt.Sprintf("%s is a link to a file of another user: want a file of your own", name)}
	}
	// A file may grow while it is read.
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > MaxFile {
		return nil, unfit{fmt.Sprintf("%s has more than %d bytes: want a file of settings", name, MaxFile)}
	}
	return b, nil
}

// kind names the kind of a file that is not regular.
func kind(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "not a regular file"
}
