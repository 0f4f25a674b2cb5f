package rt

import (
	"errors"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/gopherpod/gopherpod/kernel/session/rt/lm"
)

// A Library is a shared object of packages that the host does not hold. It stays in
// the process even if one of its packages fails to initialize: the others work, and
// Init tries the failed one again.
type Library struct {
	tasks   []*lm.InitTask
	running sync.Mutex // held by Init
	now     atomic.Pointer[string]
}

var (
	librariesMu sync.Mutex
	libraries   = map[string]*Library{} // by file; guarded by librariesMu
)

// ErrInitializing says that an earlier Init of the library has not returned.
var ErrInitializing = errors.New("a cell that was interrupted is still initializing it")

// LoadLibrary maps a library, once, without running any of its code except C code.
func LoadLibrary(path string) (*Library, LoadTime, error) {
	librariesMu.Lock()
	defer librariesMu.Unlock()
	if l := libraries[path]; l != nil {
		return l, LoadTime{}, nil
	}
	l := &Library{}
	_, lt, err := load(path, "", func(tasks []*lm.InitTask) { l.tasks = tasks })
	if err != nil {
		return nil, lt, err
	}
	libraries[path] = l
	return l, lt, nil
}

// Init initializes the packages of the library except those in skip, in the order of
// their dependencies. It panics or ends the goroutine if one of them does.
func (l *Library) Init(skip []string) error {
	if !l.running.TryLock() {
		return ErrInitializing
	}
	defer l.running.Unlock()
	for _, t := range l.tasks {
		path := packageOf(t)
		if slices.Contains(skip, path) {
			continue
		}
		l.now.Store(&path)
		// A package that failed is marked as being initialized, which the run-time
		// takes for a cycle.
		if state := (*uint32)(unsafe.Pointer(t)); *state == taskRunning {
			*state = taskNotStarted
		}
		lm.DoInit([]*lm.InitTask{t})
	}
	return nil
}

// Package returns the import path of the package that Init reached.
func (l *Library) Package() string {
	if p := l.now.Load(); p != nil {
		return *p
	}
	return ""
}

// States of runtime.initTask, its first word.
const (
	taskNotStarted = 0
	taskRunning    = 1
)

// packageOf returns the import path of the package that a task initializes. The functions
// that the task calls come after its state and their number. The last element of the path
// is escaped in the names of functions.
func packageOf(t *lm.InitTask) string {
	f := runtime.FuncForPC(*(*uintptr)(unsafe.Add(unsafe.Pointer(t), 8)))
	if f == nil {
		return ""
	}
	name := f.Name()
	slash := strings.LastIndexByte(name, '/') + 1
	dot := strings.IndexByte(name[slash:], '.')
	if dot < 0 {
		return ""
	}
	path, err := url.PathUnescape(name[:slash+dot])
	if err != nil {
		return ""
	}
	return path
}
