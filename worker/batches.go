package worker

import (
	"fmt"
	"strings"
)

// LeastBatch returns how many samples a batch needs at least: 2 if a layer would take
// the variance of a single number otherwise, and the name of that layer, else 1. train
// reports whether batches have their own statistics. A layer that no batch suits is an
// error. The rules are PyTorch's (torch.nn.functional: batch_norm, instance_norm and
// group_norm refuse one value per channel); layers within residuals and branches count.
// Sizes that are not known need nothing.
func LeastBatch(steps []Step, train bool) (n int, layer string, err error) {
	return leastBatch(steps, train, "model_config.layers")
}

func leastBatch(steps []Step, train bool, path string) (least int, layer string, err error) {
	least = 1
	for i, s := range steps {
		at := fmt.Sprintf("%s[%d]", path, i)
		for k, inner := range s.Inner {
			n, name, err := leastBatch(inner, train, fmt.Sprintf("%s.inner[%d]", at, k))
			if err != nil {
				return 0, "", err
			}
			if n > least {
				least, layer = n, name
			}
		}
		if len(s.In) == 0 {
			continue
		}
		places, ok := Elements(s.In[1:])
		if !ok || places != 1 {
			continue
		}
		own := train || !s.Bool("track_running_stats")
		switch kind := s.Kind.Name; {
		case strings.HasPrefix(kind, "instancenorm") && own:
			return 0, "", Invalid(at, fmt.Sprintf("%s gets one place per channel (%s), which has no variance; it needs 2 or more", kind, Sizes(s.In)))
		case strings.HasPrefix(kind, "batchnorm") && own, kind == "groupnorm" && s.Int("num_groups") == s.In[0]:
			least, layer = 2, kind
		}
	}
	return least, layer, nil
}

// Held returns how many of n samples h.ValidationSplit holds out.
func (h *Hyperparameters) Held(n int) int {
	if h.ValidationSplit <= 0 {
		return 0
	}
	return max(1, int(float64(n)*h.ValidationSplit))
}

// Batches returns in how many batches of how many samples, the last one excepted, an epoch
// goes over n samples, and how many samples it sees in all.
func (h *Hyperparameters) Batches(n int) (batches, size, seen int) {
	if size = h.BatchSize; size < 1 || size > n {
		size = n
	}
	if n < 1 {
		return 0, size, 0
	}
	if h.DropLast {
		return n / size, size, n - n%size
	}
	return (n + size - 1) / size, size, n
}

// CheckBatches refuses a training on n samples if a batch, above all the smaller last
// one, is too small for a layer.
func (h *Hyperparameters) CheckBatches(steps []Step, n int) error {
	least, layer, err := LeastBatch(steps, true)
	if err != nil || least == 1 || n < 1 {
		return err
	}
	_, size, seen := h.Batches(n)
	if size >= least && seen%size != 1 {
		return nil
	}
	what, hint := "batch norm", "choose another"
	if layer == "groupnorm" {
		what = "groupnorm"
	}
	if size > 1 {
		hint += ", or leave that batch out with drop_last"
	}
	return Invalid("hyperparameters.batch_size", fmt.Sprintf("batch_size %d leaves a batch of 1 sample of %d, of which %s cannot take the variance; %s", size, n, what, hint))
}
