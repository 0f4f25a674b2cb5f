package setup

import "syscall"

// networkKinds are file systems of other machines, by their number in statfs(2).
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
	0x65735546: "FUSE, as sshfs and cloud drives are,",
}

// networkFS names the file system of a folder if it is a network's, else "".
func networkFS(dir string) string {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return ""
	}
	return networkKinds[uint32(s.Type)]
}
