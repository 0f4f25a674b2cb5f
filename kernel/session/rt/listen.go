package rt

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"github.com/gopherpod/gopherpod/kernel/session/rt/lm"
)

// An interrupt closes the listeners that the cell has opened, so that it can be run again, and
// those on which a library of it waits for connections, as http.Serve does: it treats a timeout
// as temporary and would keep waiting. A listener of an earlier cell stays open if the cell's
// own code waits for connections: its loop ends at its check, and may use the listener again.

// A listener is a socket that listens. Its number may be used again, its inode is not while it
// is open.
type listener struct {
	fd    int
	inode uint64
}

// listeners returns the sockets of this process that listen.
func listeners() map[listener]bool {
	dir, err := os.Open("/dev/fd")
	if err != nil {
		return nil
	}
	names, _ := dir.Readdirnames(-1) // an error ends the list
	dir.Close()
	var found map[listener]bool
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		if err != nil || !listens(fd) {
			continue
		}
		if found == nil {
			found = map[listener]bool{}
		}
		found[listenerOf(fd)] = true
	}
	return found
}

func listens(fd int) bool {
	n, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	return err == nil && n != 0
}

func listenerOf(fd int) listener {
	var st syscall.Stat_t
	if syscall.Fstat(fd, &st) != nil {
		return listener{fd: fd}
	}
	return listener{fd, uint64(st.Ino)}
}

// accepts matches a wait for a connection, and the calls and files above it of packages whose
// Accept returns it.
var accepts = regexp.MustCompile(`(?m)^internal/poll\.\(\*FD\)\.Accept\(.*\n\t.*\n(?:(?:net|crypto/tls)\..*\n\t.*\n)*`)

// libraryAccepts reports whether a library waits for connections.
func libraryAccepts(frames string) bool {
	at := accepts.FindStringIndex(frames)
	if at == nil {
		return false
	}
	caller := strings.SplitN(frames[at[1]:], "\n", 3) // a function and its file
	return len(caller) > 1 && !strings.Contains(caller[1], "In[")
}

// endsListener closes the listener that a goroutine of the interrupted cell waits at, if it is
// one to close. It reports whether it did.
func (c *Cell) endsListener(frames string, pd uintptr) bool {
	if !accepts.MatchString(frames) {
		return false
	}
	fd := fdOf(pd)
	return listens(fd) && (libraryAccepts(frames) || !c.root().earlier[listenerOf(fd)]) && hangUp(fd)
}

// HangUp closes the listeners that were opened since the interrupted cell began, except those
// at which goroutines of other cells wait. It is called when the cell has ended or is
// abandoned, before another one begins; a second call does nothing.
func (c *Cell) HangUp() {
	if !lm.Quick || !c.hungUp.CompareAndSwap(false, true) {
		return
	}
	now := listeners()
	for l := range c.earlier {
		delete(now, l)
	}
	if len(now) == 0 {
		return
	}
	for _, g := range strings.Split(report(), "\n\n") {
		head, frames, _ := strings.Cut(g, "\n")
		m := pollWait.FindStringSubmatch(frames)
		if m == nil || labelIn(head) == c.ID || !accepts.MatchString(frames) {
			continue
		}
		if pd, err := strconv.ParseUint(m[1], 16, 64); err == nil {
			delete(now, listenerOf(fdOf(uintptr(pd))))
		}
	}
	for l := range now {
		hangUp(l.fd)
	}
}

// fdInPollDesc is the offset of the descriptor in a poller's record.
const fdInPollDesc = 8

// fdOf returns the descriptor that a poller's record belongs to.
func fdOf(pd uintptr) int {
	record := pd // the collector neither moves nor frees the record
	return int(*(*uintptr)(unsafe.Add(*(*unsafe.Pointer)(unsafe.Pointer(&record)), fdInPollDesc)))
}

// hangUp stops a socket from listening: its port becomes free, the file of a Unix socket goes,
// and Accept fails permanently. It reports whether it succeeded; the socket's owner still has
// to close it.
func hangUp(fd int) bool {
	at, err := syscall.Getsockname(fd)
	if syscall.Shutdown(fd, syscall.SHUT_RDWR) != nil {
		return false
	}
	if u, ok := at.(*syscall.SockaddrUnix); ok && err == nil && u.Name != "" && u.Name[0] != '@' {
		if i, err := os.Lstat(u.Name); err == nil && i.Mode().Type() == os.ModeSocket {
			os.Remove(u.Name)
		}
	}
	return true
}
