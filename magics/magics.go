package magics

import "github.com/gopherpod/gopherpod/kernel/magic"

// All lists the magics.
func All() []magic.Magic {
	var open notice
	var warm warmth
	return []magic.Magic{
		trainMagic(&open, &warm),
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
		statusMagic(&warm),
		cancelMagic(),
		healthMagic(),
		gpuMagic(),
		costMagic(),
		deployMagic(),
	}
}
