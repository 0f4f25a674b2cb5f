package magics

import (
	"fmt"
	"io"

	"github.com/gopherpod/gopherpod/runpod/train"
)

// locate finds the endpoint and says which it is: "On the embedded endpoint". A
// half-set environment is told on warn.
func locate(warn io.Writer) (train.Place, string, error) {
	p, err := train.Locate()
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
