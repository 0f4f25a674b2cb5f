"""Two processes (gloo, on the CPU) train what one trains, up to the order of summation."""

import threading
import time

import pytest
import torch
from helpers import request, run, states

from gopherpod_worker import operations, runs, team, wire


@pytest.fixture(autouse=True)
def two(monkeypatch):
    monkeypatch.setenv("GOPHERPOD_CPU_RANKS", "2")


def test_two_are_one():
    hyper = {"epochs": 3, "batch_size": 32, "seed": 3, "class_weights": [1, 2, 0.5], "validation_split": 0.2, "clip_norm": 1.0}
    one, _ = run(request(n=81, hyper=hyper))  # batches of 32, 32 and 1: one rank has nothing in the last
    two, told = run(request(n=81, hyper={**hyper, "gpus": "all"}))
    assert two["device_used"].startswith("2 x") and len([e for e in told if e["type"] == "epoch"]) == 3
    assert any("samples a second together" in e.get("message", "") for e in told)
    for a, b in zip(one["history"], two["history"]):
        for key in ("loss", "accuracy", "val_loss", "val_accuracy"):
            assert a[key] == pytest.approx(b[key], abs=1e-5), key
    for a, b in zip(states(one)[0].values(), states(two)[0].values()):
        assert torch.allclose(a, b, atol=1e-5)


def test_data_from_the_store_and_from_around_a_batch(monkeypatch):
    from gopherpod_worker import tensors

    monkeypatch.delenv("GOPHERPOD_STORE")  # a folder of this process, that the ranks are told
    value = request(n=30, hyper={"epochs": 1, "gpus": 2})
    stored, _ = run({"operation": "store", "tensors": value["tensors"]})
    data = {"features": {"sha256": stored["stored"]["X"]}, "labels": {"tensor": "y"}}
    y = {"y": tensors.decode(value["tensors"])["y"]}
    part = {**{k: v for k, v in value.items() if k != "tensors"}, "training_data": data}
    got, _ = run({"operation": "batch", "tensors": tensors.encode(y), "requests": [part]})
    assert got["results"][0]["status"] == "success", got


def test_stopped_and_taken_up_again():
    hyper = {"epochs": 100_000, "batch_size": 16, "gpus": 2, "checkpoint": {"epochs": 1}}
    value = request(hyper=hyper, run_id="r")
    memory, stop, told = runs.Memory("r", value), operations.Stop(), []
    failed = []

    def work():
        try:
            operations.run(value, told.append, stop, memory)
        except team.Stopped as e:
            failed.append(e)

    thread = threading.Thread(target=work)
    thread.start()
    while len(told) < 8:
        time.sleep(0.05)
    stop.set()
    thread.join(20)
    assert failed and runs.Memory("r", value).load()[1]["epoch"] >= 1


def test_errors_come_through(monkeypatch):
    with pytest.raises(wire.JobError) as e:
        run(request(hyper={"gpus": 2, "class_weights": [1, 2]}))
    assert e.value.field == "hyperparameters.class_weights"
    for hyper in ({"gpus": 3}, {"gpus": 2, "optimizer": "lbfgs"}):
        with pytest.raises(wire.JobError) as e:
            run(request(hyper=hyper))
        assert e.value.kind == "Unsupported" and e.value.field == "hyperparameters.gpus"
    monkeypatch.delenv("GOPHERPOD_CPU_RANKS")
    with pytest.raises(wire.JobError, match="this worker has 0"):
        run(request(hyper={"gpus": 2}))
    assert run(request(hyper={"gpus": "all"}))[0]["device_used"] == "cpu"
