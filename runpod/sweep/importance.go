package sweep

import (
	"maps"
	"math"
	"slices"
)

// Importance returns how much of the differences between trials each dimension explains by
// itself, 0 to 1: the share of the variance of the trials' ranks that is between groups of
// similar values (the choices, or thirds of a range), minus the share expected by chance
// (epsilon squared, Kelley 1935). It is NaN if every group has one trial, because the
// result then cannot differ from chance. Failed trials rank last. Importance measures the
// effect of each dimension alone: interactions of two would need a forest (fANOVA) and
// hundreds of trials. tpe and cmaes try more points in good regions, so their importance
// describes those regions.
func (r *Result) Importance() []float64 {
	ranks := r.ranks()
	out := make([]float64, len(r.Space))
	for i, d := range r.Space {
		groups := map[int][]float64{}
		for k, t := range r.Trials {
			groups[group(d, t.Point[d.Name])] = append(groups[group(d, t.Point[d.Name])], ranks[k])
		}
		out[i] = between(groups, ranks)
	}
	return out
}

func group(d Dimension, v any) int {
	if d.Choices != nil {
		return slices.Index(d.Choices, v)
	}
	return min(int(3*d.Position(v)), 2)
}

// ranks returns the ranks of the trials by value. Equal values share a rank.
func (r *Result) ranks() []float64 {
	out := make([]float64, len(r.Trials))
	for i, a := range r.Trials {
		for j, b := range r.Trials {
			switch {
			case b.Value < a.Value:
				out[i]++
			case i != j && b.Value == a.Value:
				out[i] += 0.5
			}
		}
	}
	return out
}

// between returns the share of the variance of all that is between the groups, minus
// the share expected by chance.
func between(groups map[int][]float64, all []float64) float64 {
	n, k := len(all), len(groups)
	if k == n {
		return math.NaN()
	}
	mean := average(all)
	total, part := 0.0, 0.0
	for _, v := range all {
		total += (v - mean) * (v - mean)
	}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		g := groups[key]
		m := average(g)
		part += float64(len(g)) * (m - mean) * (m - mean)
	}
	if total == 0 {
		return 0
	}
	chance := float64(k-1) * (total - part) / float64(n-k)
	return min(max((part-chance)/total, 0), 1)
}

func average(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(len(values), 1))
}
