package deploy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/runpod"
)

// scarcity is the factor for a pool's price when pools are compared. It is larger for pools
// of low stock, because they make jobs wait.
var scarcity = map[runpod.Stock]float64{runpod.StockHigh: 1, runpod.StockMedium: 1.1, runpod.StockLow: 1.5}

const (
	// maxPools is the largest number of pools of an endpoint. If the first has no free GPU,
	// a worker starts on the next.
	maxPools = 3
	// maxPremium is how many times the price of the first pool the others may cost.
	maxPremium = 2
)

// choosePools picks available pools with enough memory: the cheapest one, taking stock into
// account, and up to two more that cost at most twice as much. If none is available, it picks
// the cheapest one, and jobs will wait.
func choosePools(pools []runpod.Pool, memory float64, dataCenter string) ([]runpod.Pool, error) {
	pools = inCenter(pools, dataCenter)
	fit := slices.DeleteFunc(slices.Clone(pools), func(p runpod.Pool) bool { return p.Memory < memory })
	if len(fit) == 0 {
		where := ""
		if dataCenter != "" {
			where = " in " + dataCenter
		}
		return nil, wrong("no GPU%s has %g GB or more; ask for less --memory, or name pools with --gpu", where, memory)
	}
	stocked := slices.DeleteFunc(slices.Clone(fit), func(p runpod.Pool) bool { return p.Stock == runpod.StockNone })
	if len(stocked) == 0 {
		return fit[:1], nil
	}
	weight := func(p runpod.Pool) float64 { return p.Hourly * cmp.Or(scarcity[p.Stock], 1) }
	slices.SortStableFunc(stocked, func(a, b runpod.Pool) int { return cmp.Compare(weight(a), weight(b)) })
	first := stocked[0]
	stocked = slices.DeleteFunc(stocked, func(p runpod.Pool) bool { return p.Hourly > maxPremium*first.Hourly })
	return stocked[:min(len(stocked), maxPools)], nil
}

// inCenter returns the pools that have a card in a data center, with the cards and the stock
// there. A card without a data center in the catalogue may be in any.
func inCenter(pools []runpod.Pool, dataCenter string) []runpod.Pool {
	if dataCenter == "" {
		return pools
	}
	var cards []runpod.GPU
	for _, p := range pools {
		for _, g := range p.GPUs {
			i := slices.IndexFunc(g.DataCenters, func(c runpod.StockAt) bool { return c.ID == dataCenter })
			if i >= 0 {
				g.Availability = g.DataCenters[i].Availability
			}
			if i >= 0 || len(g.DataCenters) == 0 {
				cards = append(cards, g)
			}
		}
	}
	return runpod.Pools(cards)
}

// namedPools finds pools by their ids. A known pool that the catalogue lacks gets the listed
// price. For any other id, the error names the pools that exist.
func namedPools(pools []runpod.Pool, ids []string) ([]runpod.Pool, error) {
	var out []runpod.Pool
	for _, id := range ids {
		i := slices.IndexFunc(pools, func(p runpod.Pool) bool { return strings.EqualFold(p.ID, id) })
		if i >= 0 {
			out = append(out, pools[i])
			continue
		}
		hourly, ok := runpod.ListedPrice(strings.ToUpper(id))
		if !ok {
			return nil, wrong("unknown pool of GPUs %.40q; there are %s", id, poolNames(pools))
		}
		out = append(out, runpod.Pool{ID: strings.ToUpper(id), Hourly: hourly})
	}
	return out, nil
}

func poolNames(pools []runpod.Pool) string {
	var names []string
	for _, p := range pools {
		names = append(names, p.ID)
	}
	return strings.Join(names, ", ")
}

func poolIDs(pools []runpod.Pool) []string {
	var ids []string
	for _, p := range pools {
		ids = append(ids, p.ID)
	}
	return ids
}

// poolInWords returns a text such as "AMPERE_24 (L4, RTX A5000; 24 GB, $0.684 an hour, stock
// HIGH)".
func poolInWords(p runpod.Pool) string {
	if len(p.GPUs) == 0 {
		return fmt.Sprintf("%s ($%.3f an hour as of %s)", p.ID, p.Hourly, runpod.PricesAsOf)
	}
	var cards []string
	for _, g := range p.GPUs {
		cards = append(cards, g.Name)
	}
	s := fmt.Sprintf("%s (%s; %g GB, $%.3f an hour", p.ID, strings.Join(cards, ", "), p.Memory, p.Hourly)
	if p.Stock != "" {
		s += ", stock " + string(p.Stock)
	}
	return oneLine(s + ")")
}

// pricedPools returns the pools of an existing endpoint, with prices if they are known.
func pricedPools(pools []runpod.Pool, ids []string) []runpod.Pool {
	var out []runpod.Pool
	for _, id := range ids {
		if i := slices.IndexFunc(pools, func(p runpod.Pool) bool { return p.ID == id }); i >= 0 {
			out = append(out, pools[i])
			continue
		}
		hourly, _ := runpod.ListedPrice(id)
		out = append(out, runpod.Pool{ID: id, Hourly: hourly})
	}
	return out
}
