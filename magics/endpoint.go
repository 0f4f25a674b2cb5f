package magics

import (
	"fmt"
	"io"
	"net/url"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/train"
)

// locate finds the endpoint and returns a phrase that names it, such as "On the
// embedded endpoint". If name is not empty it is the endpoint's id, and a missing
// setting is an error; otherwise a half-set environment is only reported on warn.
func locate(warn io.Writer, name string) (train.Place, string, error) {
	p, err := train.LocateID(runpod.EndpointID(name))
	if err == nil && name != "" && p.Missing != "" {
		err = usage("--endpoint %s: %s is not set (environment, .env or gopherpod key set); --endpoint local is the embedded one", name, p.Missing)
	}
	return placed(warn, p, err)
}

// locateRun is locate for a run in the store.
func locateRun(warn io.Writer, r runs.Run) (train.Place, string, error) {
	p, err := train.LocateRun(r)
	if err == nil { // the service may not know a job yet that another process has just submitted
		p.Expect(runpod.JobID(r.Job), r.Created)
	}
	return placed(warn, p, err)
}

func placed(warn io.Writer, p train.Place, err error) (train.Place, string, error) {
	switch {
	case err != nil:
		return p, "", err
	case !p.Embedded:
		return p, elsewhere(p), nil
	case p.Missing != "":
		fmt.Fprintf(warn, "%s is not set, so RunPod cannot be used\n", p.Missing)
	}
	return p, "On the embedded endpoint", nil
}

// elsewhere names the endpoint, with its host if that is not RunPod's.
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
