package magics

import (
	"fmt"
	"io"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/train"
)

// locate finds the endpoint and says which it is: "On the embedded endpoint". The
// name of another one may be given; a half-set environment is told on warn.
func locate(warn io.Writer, name string) (train.Place, string, error) {
	p, err := train.LocateID(runpod.EndpointID(name))
	switch {
	case err != nil:
		return p, "", err
	case !p.Embedded:
		return p, fmt.Sprintf("On RunPod endpoint %s", p.ID), nil
	case p.Missing != "":
		fmt.Fprintf(warn, "%s is not set, so that RunPod cannot be used\n", p.Missing)
	}
	return p, "On the embedded endpoint", nil
}
