"""A state may be named by its digest; the worker keeps those that it made."""

import base64

import pytest
import torch

from gopherpod_worker import data, operations, tensors
from gopherpod_worker.wire import JobError

TRAIN = {
    "operation": "train",
    "protocol": 1,
    "model_config": {"type": "sequential", "layers": [{"type": "linear", "out_features": 20000}]},
    "training_data": {"features": [[1.0, 2.0, 3.0, 4.0]], "labels": [0]},
    "hyperparameters": {"epochs": 1, "seed": 1},
}


class Never:
    def is_set(self):
        return False


def ask(store, value):
    return operations.run(value, lambda event: None, Never(), store=store)


def test_states_by_digest(tmp_path):
    store = data.Store(tmp_path)
    first = ask(store, TRAIN)
    digest = tensors.content_digest(torch.frombuffer(bytearray(base64.b64decode(first["model_state"])), dtype=torch.uint8))
    evaluate = {**TRAIN, "operation": "evaluate", "evaluation_data": TRAIN["training_data"]}
    del evaluate["training_data"], evaluate["hyperparameters"]
    by_digest = ask(store, {**evaluate, "model_state": "sha256:" + digest})
    assert by_digest["metrics"]["loss"] == ask(store, {**evaluate, "model_state": first["model_state"]})["metrics"]["loss"]
    with pytest.raises(JobError) as e:  # a worker that never saw it
        ask(data.Store(tmp_path / "other"), {**evaluate, "model_state": "sha256:" + digest})
    assert (e.value.kind, e.value.field) == ("MissingData", "model_state")
    for wrong in ("sha256:../../etc/passwd", "sha256:" + store.put(torch.ones(3))):
        with pytest.raises(JobError) as e:
            ask(store, {**evaluate, "model_state": wrong})
        assert (e.value.kind, e.value.field) == ("InvalidRequest", "model_state")
