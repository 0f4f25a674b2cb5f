"""Requests that the tests share."""

import asyncio

import numpy as np
import torch

from gopherpod_worker import handler, operations, tensors

MLP = {"type": "sequential", "layers": [{"type": "linear", "out_features": 16}, {"type": "relu"}, {"type": "linear", "out_features": 3}]}


def blobs(n=90, features=4, classes=3, seed=0):
    """Points around one centre a class: easy, but not from the first epoch."""
    r = np.random.RandomState(seed)
    y = np.arange(n) % classes
    x = r.randn(n, features) * 0.7 + np.eye(classes, features)[y] * 2
    return x.astype(np.float32), y.astype(np.int64)


def request(operation="train", model=MLP, n=90, hyper=None, **more):
    """A protocol 1 request over blobs."""
    x, y = blobs(n)
    named = {"X": torch.from_numpy(x), "y": torch.from_numpy(y)}
    both = {"features": {"tensor": "X"}, "labels": {"tensor": "y"}}
    place = {"train": "training_data", "train_epoch": "training_data", "evaluate": "evaluation_data"}.get(operation)
    out = {"operation": operation, "protocol": 1, "model_config": model, "tensors": tensors.encode(named)}
    if place:
        out[place] = both
    else:
        out["input_data"] = {"features": {"tensor": "X"}}
    if hyper is not None:
        out["hyperparameters"] = hyper
    return out | more


def run(value, stop=None, memory=None):
    """(answer, events) of a request, without threads."""
    told = []
    return operations.run(value, told.append, stop or operations.Stop(), memory), told


def states(result):
    return tensors.load_state(result["model_state"], "m"), tensors.load_state(result["optimizer_state"], "o")


def same(a: dict, b: dict) -> bool:
    return list(a) == list(b) and all(torch.equal(a[k], b[k]) for k in a)


def drain(job: dict, config=None) -> list:
    """Everything that the handler yields for a job."""

    async def all_of():
        return [event async for event in handler.stream(job, config)]

    return asyncio.run(all_of())
