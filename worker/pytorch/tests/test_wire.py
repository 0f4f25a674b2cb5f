"""Requests at the door: every wrong one is refused with the field that is wrong."""

import json
import random

import pytest
from helpers import request

from gopherpod_worker import wire

GOOD = {
    "operation": "train",
    "model_config": {"type": "sequential", "layers": [{"type": "linear", "out_features": 2}]},
    "training_data": {"features": [[1.0, 2.0]], "labels": [0]},
}


def hyper(**h):
    return {**GOOD, "hyperparameters": h}


REFUSED = [
    (None, "input"),
    ([], "input"),
    ({}, "operation"),
    ({"operation": 5}, "operation"),
    ({"operation": "trian"}, "operation"),
    ({**GOOD, "protocol": 2}, "protocol"),
    ({**GOOD, "protocol": "1"}, "protocol"),
    ({**GOOD, "run_id": 7}, "run_id"),
    ({**GOOD, "run_id": "x" * 200}, "run_id"),
    ({**GOOD, "epochs": 5}, "epochs"),
    ({**GOOD, "evaluation_data": {}}, "evaluation_data"),
    ({k: v for k, v in GOOD.items() if k != "model_config"}, "model_config"),
    ({k: v for k, v in GOOD.items() if k != "training_data"}, "training_data"),
    ({**GOOD, "training_data": 3}, "training_data"),
    ({**GOOD, "training_data": {"labels": [0]}}, "training_data.features"),
    ({**GOOD, "training_data": {"features": [[1]]}}, "training_data.labels"),
    ({**GOOD, "training_data": {"features": {"tensor": "X", "url": "u"}, "labels": [0]}}, "training_data.features"),
    ({**GOOD, "training_data": {"features": {"path": "/etc/passwd"}, "labels": [0]}}, "training_data.features.path"),
    ({**GOOD, "training_data": {"features": {"sha256": "../../x"}, "labels": [0]}}, "training_data.features.sha256"),
    ({**GOOD, "training_data": {"features": {"sha256": "A" * 64}, "labels": [0]}}, "training_data.features.sha256"),
    ({**GOOD, "training_data": {"features": [[1]], "labels": [0], "weights": [1]}}, "training_data.weights"),
    ({**GOOD, "model_state": {"a": 1}}, "model_state"),
    ({**GOOD, "start_epoch": -1}, "start_epoch"),
    ({**GOOD, "start_epoch": True}, "start_epoch"),
    ({"operation": "evaluate", "protocol": 1, "model_config": {}, "evaluation_data": {"features": [[1]], "labels": [0]}}, "model_state"),
    ({"operation": "predict", "model_config": {}, "model_state": "x"}, "input_data"),
    ({"operation": "gpu_info", "model_config": {}}, "model_config"),
    ({"operation": "batch"}, "requests"),
    ({"operation": "batch", "requests": "x"}, "requests"),
    ({"operation": "batch", "requests": [{}] * 1001}, "requests"),
    ({"operation": "store", "have": ["x"]}, "have[0]"),
    (hyper(optimizer="adm"), "hyperparameters.optimizer"),
    (hyper(learning_rate="0.1"), "hyperparameters.learning_rate"),
    (hyper(learning_rate=float("nan")), "hyperparameters.learning_rate"),
    (hyper(learning_rate=-1), "hyperparameters.learning_rate"),
    (hyper(learning_rate=10**400), "hyperparameters.learning_rate"),
    (hyper(epochs=1.5), "hyperparameters.epochs"),
    (hyper(epochs=True), "hyperparameters.epochs"),
    (hyper(epochs=10**12), "hyperparameters.epochs"),
    (hyper(shuffle=1), "hyperparameters.shuffle"),
    (hyper(seed=1 << 70), "hyperparameters.seed"),
    (hyper(validation_split=1), "hyperparameters.validation_split"),
    (hyper(betas=[0.9]), "hyperparameters.betas"),
    (hyper(betas=[0.9, 1.0]), "hyperparameters.betas[1]"),
    (hyper(betas="x"), "hyperparameters.betas"),
    (hyper(nesterov=True), "hyperparameters.nesterov"),
    (hyper(class_weights=[1, -1]), "hyperparameters.class_weights[1]"),
    (hyper(class_weights=[1], loss_function="mse"), "hyperparameters.class_weights"),
    (hyper(label_smoothing=0.1, loss_function="mse"), "hyperparameters.label_smoothing"),
    (hyper(scheduler={}), "hyperparameters.scheduler.type"),
    (hyper(scheduler={"type": "steps"}), "hyperparameters.scheduler.type"),
    (hyper(scheduler={"type": "step", "t_max": 3}), "hyperparameters.scheduler.t_max"),
    (hyper(early_stopping={}), "hyperparameters.early_stopping.patience"),
    (hyper(early_stopping={"patience": 1, "monitor": "x"}), "hyperparameters.early_stopping.monitor"),
    (hyper(precision="fp8"), "hyperparameters.precision"),
    (hyper(gpus=0), "hyperparameters.gpus"),
    (hyper(gpus="some"), "hyperparameters.gpus"),
    (hyper(momentun=0.9), "hyperparameters.momentun"),
]


@pytest.mark.parametrize("value, field", REFUSED, ids=[f"{i}-{f}" for i, (_, f) in enumerate(REFUSED)])
def test_refused(value, field):
    with pytest.raises(wire.JobError) as e:
        wire.parse(value)
    assert e.value.kind == "InvalidRequest" and e.value.field == field
    assert len(str(e.value)) < 600


def test_defaults_are_the_contracts():
    h = wire.parse(GOOD).hyper
    assert (h.optimizer, h.learning_rate, h.loss_function, h.epochs, h.batch_size, h.shuffle, h.seed) == ("adam", 0.001, "cross_entropy", 1, 32, True, 0)
    assert wire.parse({**GOOD, "operation": "train_epoch"}).hyper.batch_size == 0
    rates = {"sgd": 0.01, "adamw": 0.001, "rmsprop": 0.01, "adagrad": 0.01, "nadam": 0.002, "lbfgs": 1.0}
    assert {o: wire.parse(hyper(optimizer=o)).hyper.learning_rate for o in rates} == rates
    assert wire.parse(hyper(optimizer="adamw")).hyper.weight_decay == 0.01
    # what is not given is left out or null; an explicit zero is a value, and refused where it is none
    assert wire.parse(hyper(learning_rate=None, epochs=None, batch_size=None, optimizer=None)).hyper == h
    for given in ({"epochs": 0}, {"batch_size": 0}, {"optimizer": ""}):
        with pytest.raises(wire.JobError) as e:
            wire.parse(hyper(**given))
        assert e.value.field == "hyperparameters." + next(iter(given))


def test_the_nearest_name_is_said():
    with pytest.raises(wire.JobError, match="did you mean 'momentum'"):
        wire.parse(hyper(momentun=0.9))


def mutations(value, r):
    """One random change somewhere in a JSON value."""
    if isinstance(value, dict) and value and r.random() < 0.8:
        k = r.choice(list(value))
        if r.random() < 0.2:
            return {a: b for a, b in value.items() if a != k}
        return {**value, k: mutations(value[k], r)}
    if isinstance(value, list) and value and r.random() < 0.7:
        i = r.randrange(len(value))
        return value[:i] + [mutations(value[i], r)] + value[i + 1 :]
    return r.choice([None, True, -1, 0, 1e308, float("nan"), "", "x", [], {}, [[]], {"type": "x"}, 1 << 80, ["a", 1], {"tensor": "X"}, "A" * 64])


def test_mutated_requests_raise_nothing_else():
    """Whatever a request looks like, it is answered or refused; it never breaks the worker."""
    from gopherpod_worker import operations

    r = random.Random(1)
    base = [request(hyper={"epochs": 1, "scheduler": {"type": "step"}, "early_stopping": {"patience": 1}}, n=9), GOOD]
    refused = 0
    for i in range(600):
        value = mutations(mutations(r.choice(base), r), r)
        try:
            operations.run(value, lambda event: None, operations.Stop())
        except wire.JobError as e:
            refused += 1
            json.dumps(e.object())
    assert refused > 300


def test_numbers_that_json_has_not():
    assert [wire.number(v) for v in (1.5, float("nan"), float("inf"), float("-inf"))] == [1.5, "NaN", "Infinity", "-Infinity"]
    assert wire.clean({"a": [float("nan"), (1, {"b": float("inf")})]}) == {"a": ["NaN", [1, {"b": "Infinity"}]]}


def test_chunks_join_to_the_text():
    text = "abc" * 700_000
    parts = wire.chunks("model_state", text)
    assert "".join(p["data"] for p in parts) == text and all(len(json.dumps(p)) < wire.MAX_CHUNK for p in parts)
    assert [p["index"] for p in parts] == list(range(parts[0]["count"]))
