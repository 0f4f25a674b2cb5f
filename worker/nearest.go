package worker

import (
	"fmt"
	"strings"

	"github.com/gopherpod/gopherpod/tensors/wording"
)

// synonyms maps words of other libraries to the contract's.
var synonyms = map[string]string{
	"dense": "linear", "fc": "linear", "fullyconnected": "linear",
	"conv": "conv2d", "convolution": "conv2d", "maxpool": "maxpool2d", "maxpooling2d": "maxpool2d",
	"avgpool": "avgpool2d", "batchnorm": "batchnorm1d", "bn": "batchnorm1d", "swish": "silu", "lrelu": "leaky_relu",
	"globalavgpool2d": "adaptive_avgpool2d", "transformer": "transformer_encoder_layer", "skip": "residual",
	"lr": "learning_rate", "loss": "loss_function", "batch": "batch_size", "clip": "clip_norm", "maxnorm": "clip_norm",
	"ce": "cross_entropy", "nllloss": "nll", "mae": "l1", "l2": "mse", "bce": "bce_with_logits",
}

// Nearest is wording.Nearest for words of the contract, which words of other libraries map to.
func Nearest(name string, known []string) string {
	want := wording.Fold(name)
	if s, ok := synonyms[want]; ok {
		for _, k := range known {
			if k == s {
				return k
			}
		}
	}
	return wording.Nearest(name, known)
}

// didYouMean is the tail of a message about an unknown word: the nearest one,
// or the whole list if it is short.
func didYouMean(name string, known []string) string {
	if n := Nearest(name, known); n != "" {
		return fmt.Sprintf("; did you mean %q?", n)
	}
	if len(known) == 0 {
		return "; there are none"
	}
	if len(known) <= 16 {
		return "; known: " + strings.Join(known, ", ")
	}
	return ""
}
