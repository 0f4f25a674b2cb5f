package magics

import "github.com/gopherpod/gopherpod/kernel/magic"

// All lists the magics.
func All() []magic.Magic {
	return []magic.Magic{
		trainMagic(),
		evalMagic(),
		sweepMagic(),
		predictMagic(),
		compareMagic(),
		saveMagic(),
		loadMagic(),
		runsMagic(),
		historyMagic(),
		statusMagic(),
		cancelMagic(),
		healthMagic(),
		gpuMagic(),
		costMagic(),
		deployMagic(),
	}
}
