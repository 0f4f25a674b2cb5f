package magics

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/gopherpod/gopherpod/kernel/secrets"
	"github.com/gopherpod/gopherpod/runpod/settings"
	"github.com/gopherpod/gopherpod/runpod/track"
	"github.com/gopherpod/gopherpod/runpod/train"
)

// trackers returns the trackers that --track names.
func trackers(names []string) (map[string]track.Tracker, error) {
	list := map[string]track.Tracker{}
	redact := secrets.Redactor(settings.Environ(), ".env")
	for _, name := range names {
		t, err := track.New(name)
		if err != nil {
			hint := ""
			if !slices.Contains(track.Names(), name) {
				hint = didYouMean(name, track.Names())
			}
			return nil, usage("--track %s: %s%s", name, strings.TrimPrefix(err.Error(), "track: "), hint)
		}
		list[name] = track.Redacted(t, redact)
	}
	return list, nil
}

// trackTrials returns the value for sweep.Options.Observe. Each trial is logged as a
// run, grouped by sweep. An error that all trials have is printed once.
func (o *sweepOptions) trackTrials(warn io.Writer) func(int, *train.Plan) train.Observer {
	if len(o.track) == 0 {
		return nil
	}
	var mu sync.Mutex
	told := map[string]bool{}
	tell := func(line string) {
		mu.Lock()
		defer mu.Unlock()
		if !told[line] {
			told[line] = true
			fmt.Fprintln(warn, line)
		}
	}
	return func(int, *train.Plan) train.Observer {
		tracked, err := trackers(o.track)
		if err != nil {
			tell(err.Error())
			return nil
		}
		return track.Observe(tracked, tell)
	}
}
