"""The PyTorch worker of Gopherpod: answers the jobs of the contract with PyTorch, under RunPod's SDK (../README.md).

Imports go one way, downwards in this list:

    one                               a job in a process of its own
    handler                           a job's thread, stream, cancellation, errors
    isolated                          starts such a process, for jobs that bring code
    operations                        each operation, from a job's input to its answer
    train, ddp, fitting               a whole job; several GPUs; what would fit
    trainer                           the state of a run and its loop
    evaluate                          loss, metrics and outputs of a state
    predecessor                       answers as the system before this one documented them
    step, graph, together             one batch: plain, as a CUDA graph, in one of several processes
    models, layers, losses, optim     a model, its loss, its optimizer, made from a request
    source                            a model as Python source, and the functions beside it
    modules                           layers that PyTorch does not have
    data, address, runs               arrays, the store, addresses; what is kept of a run
    device, team                      where a job computes; what its processes agree on
    tensors                           arrays as bytes
    keep                              which weights a training leaves, and when it has to stop
    wire, hyper                       requests and events; their hyperparameters
    fields, contract, memory          reading JSON; the contract's tables; how much memory is free
    volume                            whether the network volume can be used, and as whom
"""
