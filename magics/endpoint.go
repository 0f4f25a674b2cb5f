package magics

import (
	"fmt"
	"io"
	"net/url"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/train"
)

// locate finds the endpoint and says which it is: "On the embedded endpoint". The
// name of another one may be given, which is refused if it cannot be reached; a
// half-set environment is reported on warn.
func locate(warn io.Writer, name string) (train.Place, string, error) {
	p, err := train.LocateID(runpod.EndpointID(name))
	if err == nil && name != "" && p.Missing != "" {
		err = usage("--endpoint %s: %s is not set (environment, .env or gopherpod key set); --endpoint local is the embedded one", name, p.Missing)
	}
	return placed(warn, p, err)
}

// locateRun is locate for a run of the store.
func locateRun(warn io.Writer, r runs.Run) (train.Place, string, error) {
	p, err := train.LocateRun(r)
	return placed(warn, p, err)
}

func placed(warn io.Writer, p train.Place, err error) (train.Place, string, error) {
	switch {
	case err != nil:
		return p, "", err
	case !p.Embedded:
		return p, elsewhere(p), nil
	case p.Missing != "":
		fmt.Fprintf(warn, "%s is not set, so that RunPod cannot be used\n", p.Missing)
	}
	return p, "On the embedded endpoint", nil
}

// elsewhere says which endpoint it is, and where if not at RunPod.
func elsewhere(p train.Place) string {
	base := p.Client().BaseURL()
	if base == runpod.DefaultBaseURL {
		return fmt.Sprintf("On RunPod endpoint %s", p.ID)
	}
	host := base
	if u, err := url.Parse(base); err == nil {
		host = u.Host
	}
	return fmt.Sprintf("On endpoint %s at %s", p.ID, host)
}
