package setup

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// networkKinds maps the numbers of statfs(2) to the names of network file systems.
var networkKinds = map[uint32]string{
	0x6969:     "NFS",
	0xFF534D42: "CIFS",
	0xFE534D42: "SMB",
	0x517B:     "SMB",
	0x01021997: "9p",
	0x5346414F: "AFS",
	0x00C36400: "Ceph",
	0x0BD00BD0: "Lustre",
	0x47504653: "GPFS",
	0x564C:     "NCP",
	0x65735546: "FUSE (sshfs, cloud drives)",
}

// networkFS returns the name of a folder's file system if that is a network
// file system, else "".
func networkFS(dir string) string {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return ""
	}
	return networkKinds[uint32(s.Type)]
}

// UsedBy returns the id of a process that was started with a program or a file in a folder,
// and 0 if there is none. It does not count this process. Known is false if this system
// does not report it.
func UsedBy(dir string) (pid int, known bool) {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(lines) == 0 {
		return 0, false
	}
	prefix := append([]byte(filepath.Clean(dir)), filepath.Separator)
	for _, name := range lines {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil || pid == os.Getpid() {
			continue
		}
		line, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		for arg := range bytes.SplitSeq(line, []byte{0}) {
			if bytes.HasPrefix(arg, prefix) {
				return pid, true
			}
		}
	}
	return 0, true
}
