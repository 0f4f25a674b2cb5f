package worker

import (
	"fmt"
	"strings"
)

// synonyms leads words of other libraries to the contract's.
var synonyms = map[string]string{
	"dense": "linear", "fc": "linear", "fullyconnected": "linear",
	"conv": "conv2d", "convolution": "conv2d", "maxpool": "maxpool2d", "maxpooling2d": "maxpool2d",
	"avgpool": "avgpool2d", "batchnorm": "batchnorm1d", "bn": "batchnorm1d", "swish": "silu", "lrelu": "leaky_relu",
	"globalavgpool2d": "adaptive_avgpool2d", "transformer": "transformer_encoder_layer", "skip": "residual",
	"lr": "learning_rate", "loss": "loss_function", "batch": "batch_size", "clip": "clip_norm", "maxnorm": "clip_norm",
	"ce": "cross_entropy", "nllloss": "nll", "mae": "l1", "l2": "mse", "bce": "bce_with_logits",
}

// Nearest returns the known word that name most likely meant, or "" when none
// is near. Case, dashes and underscores do not count.
func Nearest(name string, known []string) string {
	want := fold(name)
	if s, ok := synonyms[want]; ok {
		for _, k := range known {
			if k == s {
				return k
			}
		}
	}
	best, bestDistance := "", 1+max(1, len(want)/3)
	for _, k := range known {
		if d := distance(want, fold(k)); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// didYouMean is the tail of a message about an unknown word: the nearest one,
// or the whole list where it is short.
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

func fold(s string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(s))
}

// distance is the number of insertions, deletions, replacements and swaps of
// neighbours between a and b. Long words are cut: they are no slip of the pen.
func distance(a, b string) int {
	const longest = 64
	a, b = a[:min(len(a), longest)], b[:min(len(b), longest)]
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		row, up, up2 := rows[i%3], rows[(i+2)%3], rows[(i+1)%3]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, up[j]+1, up[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], up2[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}
