package rt

import (
	"errors"
	"unsafe"

	"github.com/gopherpod/gopherpod/kernel/session/rt/lm"
)

// modules adds the modules of cells to the program.
//
// The run-time does that by comparing the types of the new module with those of all
// modules before it. It rebuilds the list of these types each time: 20 ms if the program
// has 10^5 types, for a cell that has ten. This type keeps the list. It does what
// runtime.typelinksinit does, and needs one thing that is private to the run-time: where
// a module's record holds the result. It learns that from the first module, which the
// run-time initializes, and checks it there. If anything is not as expected, the run-time
// handles all modules.
type modules struct {
	learnt  bool
	broken  bool                        // never try again
	typemap uintptr                     // offset of the result in a module's record
	types   map[uint32]unsafe.Pointer   // by hash
	more    map[uint32][]unsafe.Pointer // types whose hash was already in use
	indexed int                         // modules whose types are in the list
	pinned  []map[lm.TypeKey]unsafe.Pointer
	start   uintptr // offset of the start of the types in a module's record; 0: not known
	links   uintptr // the same of the list of their offsets
	stale   bool    // the run-time has added a module that is not in the list
}

// Sizes of runtime.moduledata and abi.Type.
const (
	maxRecord  = 800 // bytes of the record that are looked at
	word       = unsafe.Sizeof(uintptr(0))
	hashOffset = 2 * word // offset of the hash in a type
)

// worthwhile is the number of types without a name that makes the run-time slow.
const worthwhile = 2000

var errModule = errors.New("load: the module is not the last one")

func wordAt(p unsafe.Pointer, offset uintptr) *unsafe.Pointer {
	return (*unsafe.Pointer)(unsafe.Add(p, offset))
}

// add adds the module that was mapped after before, and returns what remains to be done
// for its packages.
func (m *modules) add(before unsafe.Pointer) ([]*lm.InitTask, error) {
	if !lm.Quick || !lm.Typemap || m.broken {
		return m.official(nil)
	}
	md := lm.LastModule
	if md == before {
		return nil, errModule
	}
	if m.learnt {
		return nil, m.quick(md)
	}
	next, ok := fieldWith(before, md)
	if !ok || *wordAt(md, next) != nil || *wordAt(md, next-word) != nil {
		m.broken = true
		return m.official(nil)
	}
	return m.official(func() { m.learn(md, next-word) })
}

// official lets the run-time add the module.
func (m *modules) official(then func()) ([]*lm.InitTask, error) {
	m.stale = true
	_, _, tasks, errtext := lm.LastModuleInit()
	if errtext != "" {
		return nil, errors.New("load: " + errtext)
	}
	if then != nil {
		then()
	}
	return tasks, nil
}

// fieldWith finds the one field of a record that holds a value.
func fieldWith(record, value unsafe.Pointer) (offset uintptr, ok bool) {
	for o := uintptr(0); o < maxRecord; o += word {
		if *wordAt(record, o) == value {
			return o, o > 0
		}
	}
	return 0, false
}

// learn checks that the field holds the run-time's result for the module.
func (m *modules) learn(md unsafe.Pointer, field uintptr) {
	m.broken = true
	sections, offsets := lm.TypeLinks()
	all := 0
	for _, o := range offsets {
		all += len(o)
	}
	types, last := sections[len(sections)-1], offsets[len(offsets)-1]
	if all < worthwhile || len(last) == 0 || *wordAt(md, field) == nil {
		return
	}
	made := *(*map[lm.TypeKey]unsafe.Pointer)(unsafe.Pointer(wordAt(md, field)))
	if len(made) != len(last) {
		return
	}
	for _, o := range last {
		if made[lm.KeyOf(types, o)] == nil {
			return
		}
	}
	m.broken, m.learnt, m.typemap = false, true, field
	m.learnTypes(md, types, last)
	m.types, m.more = make(map[uint32]unsafe.Pointer, all), map[uint32][]unsafe.Pointer{}
	go func() { // the first cell need not wait
		loadMu.Lock()
		defer loadMu.Unlock()
		if m.stale { // no cell has done it meanwhile
			m.index(lm.LastModule)
		}
	}()
}

// learnTypes finds the fields with the start of a module's types and the offsets of those
// without a name. Without them the run-time lists those of all modules for each cell.
func (m *modules) learnTypes(md, types unsafe.Pointer, links []int32) {
	var start, list, found uintptr
	for o := word; o < maxRecord; o += word {
		switch {
		case *wordAt(md, o) == types:
			start = o
			found++
		case *wordAt(md, o) == unsafe.Pointer(unsafe.SliceData(links)) && *(*int)(unsafe.Pointer(wordAt(md, o+word))) == len(links):
			list = o
		}
	}
	if found == 1 && list != 0 {
		m.start, m.links = start, list
	}
}

// index adds the types of modules that it has not seen yet and returns the map of the last
// one, whose record is md.
func (m *modules) index(md unsafe.Pointer) (typemap map[lm.TypeKey]unsafe.Pointer) {
	if m.start != 0 && !m.stale {
		m.indexed++
		return m.typesAt(*wordAt(md, m.start), *(*[]int32)(unsafe.Pointer(wordAt(md, m.links))))
	}
	m.stale = false
	sections, offsets := lm.TypeLinks()
	for ; m.indexed < len(sections); m.indexed++ {
		typemap = m.typesAt(sections[m.indexed], offsets[m.indexed])
	}
	return typemap
}

// typesAt returns the map of a module whose types begin at an address.
func (m *modules) typesAt(types unsafe.Pointer, links []int32) map[lm.TypeKey]unsafe.Pointer {
	typemap := make(map[lm.TypeKey]unsafe.Pointer, len(links))
	for _, o := range links {
		typemap[lm.KeyOf(types, o)] = m.canonical(unsafe.Add(types, o))
	}
	return typemap
}

// canonical returns the first type in the program that equals t.
func (m *modules) canonical(t unsafe.Pointer) unsafe.Pointer {
	hash := *(*uint32)(unsafe.Add(t, hashOffset))
	first := m.types[hash]
	if first == nil {
		m.types[hash] = t
		return t
	}
	for _, u := range append([]unsafe.Pointer{first}, m.more[hash]...) {
		// The first module's types are all different, so there is no need to compare.
		if u == t || m.indexed > 0 && lm.TypesEqual(t, u, map[[2]unsafe.Pointer]struct{}{}) {
			return u
		}
	}
	m.more[hash] = append(m.more[hash], t)
	return t
}

// quick initialises a cell's module. A cell has no packages to initialise.
func (m *modules) quick(md unsafe.Pointer) error {
	if *wordAt(md, m.typemap) != nil {
		return errModule
	}
	lm.ModulesInit()
	typemap := m.index(md)
	m.pinned = append(m.pinned, typemap) // the collector does not scan the record
	*(*map[lm.TypeKey]unsafe.Pointer)(unsafe.Pointer(wordAt(md, m.typemap))) = typemap
	lm.ItabsInit()
	return nil
}
