package session

import (
	"regexp"
	"strings"
	"sync"
)

// sources holds the text of the cells that ran, for tracebacks and examples. It
// has its own lock, because a panic may be reported while a cell is being prepared.
type sources struct {
	mu    sync.Mutex
	lines map[int][]string // by count
	last  int
}

func (s *sources) add(count int, src string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lines == nil {
		s.lines = map[int][]string{}
	}
	s.lines[count] = strings.Split(src, "\n")
	s.last = max(s.last, count)
}

// text returns the text of cell count, or "" if it did not run.
func (s *sources) text(count int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines[count], "\n")
}

// line returns line n of cell count without surrounding blanks, or "" if there is none.
func (s *sources) line(count, n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if lines := s.lines[count]; n >= 1 && n <= len(lines) {
		return strings.TrimSpace(lines[n-1])
	}
	return ""
}

// lastCount returns the highest count of a cell.
func (s *sources) lastCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// timers matches calls that can wake a waiting goroutine without another goroutine.
var timers = regexp.MustCompile(`\b(time\.(After|Tick|New|AfterFunc)|context\.With(Timeout|Deadline)|signal\.Notify|synctest)`)

// useTimers reports whether a cell uses timers.
func (s *sources) useTimers() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, lines := range s.lines {
		for _, l := range lines {
			if strings.Contains(l, ".") && timers.MatchString(l) {
				return true
			}
		}
	}
	return false
}
