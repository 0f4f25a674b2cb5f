// Package sweep looks for good hyperparameters: it trains a model many times with
// package train and keeps the best one.
//
//	lr, _ := sweep.ParseDimension("lr=log(1e-4,1e-1)")
//	hidden, _ := sweep.ParseDimension("hidden=[32,64,128]")
//	result, err := sweep.Run(ctx, train.Layers("linear $hidden\nrelu\nlinear 10"), data,
//		train.Options{Epochs: 20, ValidationSplit: 0.2}, []sweep.Dimension{lr, hidden},
//		sweep.Options{Trials: 40, Method: sweep.MethodTPE, Halving: &sweep.Halving{}})
//	model := result.BestModel()
//
// Trial is one training at one point, for optimizers of other packages.
//
// Which point trial n gets depends on the seed and on the results of trials before it,
// never on the workers' speed, so that a sweep with a seed is repeatable. A failed
// trial does not end a sweep; if a sweep ends early, its result holds the trials so
// far.
//
//	space.go      hyperparameters to vary
//	search.go     the searcher interface
//	tpe.go        a searcher that learns: the tree-structured Parzen estimator
//	cmaes.go      another: covariance matrix adaptation
//	asha.go       stopping trials early
//	options.go    how to search
//	objective.go  what trials are compared by
//	methods.go    the searchers by name; random, grid and quasi-random points
//	result.go     what a sweep found; which trial is better
//	importance.go which hyperparameters mattered
//	apply.go      a point's values in options and model
//	fixed.go      options that some of the optimizers do not use
//	trial.go      Trial: one training
//	journal.go    the file that lets a sweep survive a crash
//	sweep.go      Run and Prepare: many trainings, the best of them
//	resume.go     continuing from a journal
package sweep
