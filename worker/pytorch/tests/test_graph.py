"""The recorded step, with a recorder that runs on the CPU: what is put back after recording, the last smaller batch, and
that both ways end in the same state to the bit. What CUDA itself does is for a machine that has it."""

import contextlib

import pytest
import torch
from helpers import request, run, same, states

from gopherpod_worker import graph, optim

MODEL = {"type": "sequential", "layers": [{"type": "linear", "out_features": 16}, {"type": "batchnorm1d"}, {"type": "dropout", "p": 0.2}, {"type": "linear", "out_features": 3}]}


class Recorder:
    """Replays by running the work again; recording runs it once too often, which must leave no trace."""

    stepper = None

    def replay(self):
        Recorder.stepper._work()


@pytest.fixture
def recorded(monkeypatch):
    class Stream:
        def wait_stream(self, other):
            pass

    @contextlib.contextmanager
    def nothing(*args):
        yield

    real = optim.make
    monkeypatch.setattr(optim, "make", lambda hyper, model, capturable=False: real(hyper, model))
    monkeypatch.setattr(graph, "graphable", lambda trainer: True)
    fakes = {"Stream": lambda device: Stream(), "current_stream": lambda: Stream(), "stream": nothing, "graph": nothing, "CUDAGraph": Recorder}
    fakes |= {"get_rng_state": lambda device: None, "set_rng_state": lambda state, device: None}
    for name, fake in fakes.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    init = graph.Graph.__init__

    def remember(self, trainer):
        init(self, trainer)
        Recorder.stepper = self

    monkeypatch.setattr(graph.Graph, "__init__", remember)


@pytest.mark.parametrize("optimizer", [{"optimizer": "adam"}, {"optimizer": "adamw"}, {"optimizer": "sgd", "momentum": 0.9, "nesterov": True}])
def test_recorded_is_plain(recorded, monkeypatch, optimizer):
    hyper = {"epochs": 4, "batch_size": 16, "seed": 3, "clip_norm": 1.0, "scheduler": {"type": "warmup", "steps": 9}, **optimizer}
    got, _ = run(request(model=MODEL, hyper=hyper))
    first, _ = run(request(model=MODEL, hyper={**hyper, "epochs": 2}))
    rest, _ = run(request(model=MODEL, hyper={**hyper, "epochs": 2}, model_state=first["model_state"], optimizer_state=first["optimizer_state"], start_epoch=2))
    monkeypatch.setattr(graph, "graphable", lambda trainer: False)
    want, _ = run(request(model=MODEL, hyper=hyper))
    for other in (got, rest):
        assert same(states(want)[0], states(other)[0]) and same(states(want)[1], states(other)[1])
    assert [h["loss"] for h in want["history"]] == [h["loss"] for h in got["history"]]


def test_what_cannot_be_recorded_runs_plain(recorded, monkeypatch):
    def refuse(self):
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(graph.Graph, "_record", refuse)
    got, told = run(request(model=MODEL, hyper={"epochs": 2, "batch_size": 16}))
    assert got["status"] == "success" and any("no CUDA graph of this model" in e.get("message", "") for e in told)
