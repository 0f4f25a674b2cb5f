package build

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The Go object format (cmd/internal/goobj), as far as names go:
//
//	archive  = "!<arch>\n" { member }
//	member   = name[16] date[12] uid[6] gid[6] mode[8] size[10] "`\n" body, padded to an even length
//	object   = ... "\x00go120ld" fingerprint[8] flags:u32 offset[19]:u32 ...
//	block 7  = the symbols that the object refers to by name, symSize bytes each
//	symbol   = length:u32 offset:u32 ...      the name, offset from the magic
//
// Code compiled with -linkshared refers to everything outside its package by name,
// so the block lists everything that the host must provide.
const (
	goobjMagic    = "\x00go120ld"
	arMagic       = "!<arch>\n"
	arHeader      = 60
	headerBlocks  = 8 + 8 + 4 // offset of the table of block offsets
	blockRefs     = 7         // references by name; block 8 follows
	symSize       = 21
	maxObjectName = 1 << 20
)

var errObject = errors.New("build: not an object file that this version of Go writes")

// undefined lists the names that the objects of an archive refer to.
func undefined(archive []byte) ([]string, error) {
	rest, ok := bytes.CutPrefix(archive, []byte(arMagic))
	if !ok {
		return nil, errObject
	}
	var names []string
	found := false
	for len(rest) > 0 {
		if len(rest) < arHeader {
			return nil, fmt.Errorf("%w: a member of %d bytes", errObject, len(rest))
		}
		size, err := strconv.Atoi(strings.TrimSpace(string(rest[48:58])))
		if err != nil || size < 0 || size > len(rest)-arHeader {
			return nil, fmt.Errorf("%w: member size %q", errObject, rest[48:58])
		}
		name := strings.TrimSpace(string(rest[:16]))
		body := rest[arHeader : arHeader+size]
		rest = rest[arHeader+size:]
		if size%2 == 1 && len(rest) > 0 {
			rest = rest[1:]
		}
		i := bytes.Index(body, []byte(goobjMagic))
		if name == "__.PKGDEF" || i < 0 {
			continue
		}
		found = true
		if names, err = objectRefs(body[i:], names); err != nil {
			return nil, err
		}
	}
	if !found {
		return nil, errObject
	}
	return names, nil
}

// objectRefs appends the names that one object refers to.
func objectRefs(o []byte, names []string) ([]string, error) {
	u32 := binary.LittleEndian.Uint32
	if len(o) < headerBlocks+4*(blockRefs+2) {
		return nil, fmt.Errorf("%w: header cut off", errObject)
	}
	from, to := u32(o[headerBlocks+4*blockRefs:]), u32(o[headerBlocks+4*(blockRefs+1):])
	if from > to || int64(to) > int64(len(o)) || (to-from)%symSize != 0 {
		return nil, fmt.Errorf("%w: references at %d to %d", errObject, from, to)
	}
	for ; from < to; from += symSize {
		n, at := u32(o[from:]), u32(o[from+4:])
		if n > maxObjectName || int64(at)+int64(n) > int64(len(o)) {
			return nil, fmt.Errorf("%w: a name of %d bytes at %d", errObject, n, at)
		}
		if n > 0 {
			names = append(names, string(o[at:at+n]))
		}
	}
	return names, nil
}
