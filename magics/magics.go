package magics

import "github.com/gopherpod/gopherpod/kernel/magic"

// All lists the magics.
func All() []magic.Magic {
	var open notice
	return []magic.Magic{
		trainMagic(&open),
		evalMagic(),
		sweepMagic(),
		predictMagic(),
		compareMagic(),
		saveMagic(),
		loadMagic(),
		attachMagic(),
		runsMagic(),
		historyMagic(),
		logsMagic(),
		reproMagic(),
		configMagic(),
		checkMagic(),
		statusMagic(),
		cancelMagic(),
		healthMagic(),
		gpuMagic(),
		costMagic(),
		deployMagic(),
	}
}
