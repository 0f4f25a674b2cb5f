"""What only a GPU can show. Skipped without one: python3 -m pytest worker/pytorch/tests/test_cuda.py where PyTorch sees one."""

import gc

import pytest
import torch
from helpers import MLP, request, run, same, states
from test_models import CASES

from gopherpod_worker import data, layers, runs, team, tensors, wire
from gopherpod_worker import device as devices

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")

FEW = {"epochs": 4, "batch_size": 16, "seed": 3, "precision": "fp32"}
NORM = {"type": "sequential", "layers": [{"type": "linear", "out_features": 16}, {"type": "batchnorm1d"}, {"type": "relu"}, {"type": "linear", "out_features": 3}]}
IMAGES = {
    "type": "sequential",
    "layers": [
        {"type": "conv2d", "out_channels": 8, "kernel_size": 3, "padding": 1},
        {"type": "batchnorm2d"},
        {"type": "relu"},
        {"type": "maxpool2d", "kernel_size": 2},
        {"type": "flatten"},
        {"type": "linear", "out_features": 3},
    ],
}


def losses(result) -> list:
    return [h["loss"] for h in result["history"]]


def images(n=64, side=8):
    g = torch.Generator().manual_seed(1)
    return {"tensors": tensors.encode({"X": torch.randn(n, 1, side, side, generator=g), "y": torch.arange(n) % 3})}


def on_cpu(monkeypatch, value):
    with monkeypatch.context() as m:
        m.setattr(torch.cuda, "is_available", lambda: False)
        return run(value)[0]


def about(told) -> str:
    return next(e["message"] for e in told if e["type"] == "log")


@pytest.mark.parametrize("model", [MLP, NORM], ids=["mlp", "batchnorm"])
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop", "adagrad", "nadam", "lbfgs"])
def test_a_seed_starts_the_same_on_the_cpu_and_the_gpu(monkeypatch, model, optimizer):
    value = request(model=model, hyper={**FEW, "optimizer": optimizer} | ({"learning_rate": 0.02, "batch_size": 90} if optimizer == "lbfgs" else {}))
    got, told = run(value)
    want = on_cpu(monkeypatch, value)
    assert got["device_used"].startswith("cuda:0") and want["device_used"] == "cpu"
    assert losses(got)[0] == pytest.approx(losses(want)[0], abs=1e-5)
    assert losses(got) == pytest.approx(losses(want), rel=1e-2)
    assert ("CUDA graph" in about(told)) == (optimizer in ("adam", "adamw", "sgd"))


OPTIMIZERS = [{"optimizer": "adam", "weight_decay": 0.01}, {"optimizer": "adamw"}, {"optimizer": "sgd"}, {"optimizer": "sgd", "momentum": 0.9, "nesterov": True}]
RATES = [None, {"type": "step", "step_size": 1, "gamma": 0.5}, {"type": "cosine"}, {"type": "one_cycle", "max_lr": 0.01}, {"type": "plateau", "patience": 0}, {"type": "warmup", "steps": 9}]


@pytest.mark.parametrize("rate", RATES, ids=lambda r: r["type"] if r else "constant")
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: "-".join(map(str, o.values())))
def test_a_recording_computes_what_the_ordinary_way_does(optimizer, rate):
    hyper = {**FEW, **optimizer, "clip_norm": 1.0, "validation_split": 0.2} | ({"scheduler": rate} if rate else {})
    got, told = run(request(model=NORM, hyper={**hyper, "accelerate": "graph"}))
    want, plain = run(request(model=NORM, hyper={**hyper, "accelerate": "off"}))
    assert "CUDA graph" in about(told) and "CUDA graph" not in about(plain)
    assert not any("no CUDA graph" in e.get("message", "") for e in told)
    assert losses(got) == pytest.approx(losses(want), rel=1e-5)
    assert [h["learning_rate"] for h in got["history"]] == [h["learning_rate"] for h in want["history"]]
    for a, b in zip(states(got), states(want)):
        assert list(a) == list(b)
        for name in a:
            torch.testing.assert_close(a[name], b[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("accelerate", ["graph", "off"])
def test_five_and_five_are_ten(accelerate):
    dropout = {"type": "sequential", "layers": [*NORM["layers"][:3], {"type": "dropout", "p": 0.3}, NORM["layers"][3]]}
    hyper = {**FEW, "accelerate": accelerate}
    whole, _ = run(request(model=dropout, hyper={**hyper, "epochs": 10}))
    first, _ = run(request(model=dropout, hyper={**hyper, "epochs": 5}))
    more = {"model_state": first["model_state"], "optimizer_state": first["optimizer_state"], "start_epoch": 5}
    second, _ = run(request(model=dropout, hyper={**hyper, "epochs": 5}, **more))
    assert losses(first) + losses(second) == pytest.approx(losses(whole), rel=1e-4)
    again, _ = run(request(model=dropout, hyper={**hyper, "epochs": 10}))
    assert losses(again) == losses(whole) and same(states(again)[0], states(whole)[0])


@pytest.mark.parametrize("accelerate", ["graph", "off"])
@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_images_go_on_where_they_were(monkeypatch, precision, accelerate):
    """Layers of images lie with their channels last there; states do not tell."""
    hyper = {**FEW, "precision": precision, "accelerate": accelerate}
    whole, _ = run(request(model=IMAGES, hyper={**hyper, "epochs": 6}) | images())
    first, _ = run(request(model=IMAGES, hyper={**hyper, "epochs": 3}) | images())
    more = {"model_state": first["model_state"], "optimizer_state": first["optimizer_state"], "start_epoch": 3}
    second, _ = run(request(model=IMAGES, hyper={**hyper, "epochs": 3}, **more) | images())
    assert losses(first) + losses(second) == pytest.approx(losses(whole), rel=2e-2)
    value = request("predict", model=whole["model_config"], hyper={"precision": precision}, model_state=whole["model_state"]) | images()
    there = tensors.decode(run(value)[0]["tensors"])["predictions"]
    value["hyperparameters"] = {"precision": "fp32"}
    here = tensors.decode(on_cpu(monkeypatch, value)["tensors"])["predictions"]
    torch.testing.assert_close(there, here, rtol=2e-2, atol=5e-2)


@pytest.mark.parametrize("batches", [3, 6, 11])
def test_a_lost_worker_is_taken_up(batches):
    class After:
        def __init__(self):
            self.n = batches

        def is_set(self):
            self.n -= 1
            return self.n < 0

    value = request(model=NORM, hyper=FEW, run_id="run-1")
    want, _ = run({k: v for k, v in value.items() if k != "run_id"})
    with pytest.raises(team.Stopped):
        run(value, After(), runs.Memory("run-1", value))
    got, told = run(value, memory=runs.Memory("run-1", value))
    assert losses(got) == pytest.approx(losses(want), rel=1e-4)


@pytest.mark.parametrize("accelerate", ["auto", "off", "compile"])
@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16", "fp16", "auto"])
def test_precisions(precision, accelerate):
    hyper = {**FEW, "epochs": 20, "batch_size": 32, "precision": precision, "accelerate": accelerate}
    got, told = run(request(model=IMAGES, hyper=hyper) | images())
    assert got["precision"] == ("tf32" if precision == "auto" else precision)
    assert losses(got)[-1] < losses(got)[0] * 0.8
    exact, _ = run(request(model=IMAGES, hyper={**hyper, "precision": "fp32", "accelerate": "off"}) | images())
    assert losses(got)[0] == pytest.approx(losses(exact)[0], rel=0.02)


@pytest.mark.parametrize("name", sorted(layers.TABLE))
def test_every_layer_recorded_or_not(name):
    """The same numbers as on the CPU, forward and backward; what cannot be recorded falls back by itself."""
    params, shape, out = CASES[name]
    count = 1
    for n in out:
        count *= n
    spec = {"type": "sequential", "layers": [{"type": name, **params}, {"type": "flatten"}, {"type": "linear", "out_features": 2}]}
    g = torch.Generator().manual_seed(2)
    x = torch.randint(0, 9, (24, *shape), generator=g, dtype=torch.int64) if name == "embedding" else torch.randn(24, *shape, generator=g)
    value = request(model=spec, hyper={**FEW, "batch_size": 8, "epochs": 2}) | {"tensors": tensors.encode({"X": x, "y": torch.arange(24) % 2})}
    got, _ = run(value)
    off, _ = run({**value, "hyperparameters": {**value["hyperparameters"], "accelerate": "off"}})
    assert all(isinstance(v, float) for v in losses(got))
    if "dropout" not in name and "dropout" not in params and name not in ("rrelu", "transformer_encoder_layer"):
        assert losses(got) == pytest.approx(losses(off), rel=1e-3, abs=1e-5)


def test_streamed_data_are_resident_data(monkeypatch):
    value = request(model=NORM, n=300, hyper={**FEW, "validation_split": 0.2, "accelerate": "off"})
    want, told = run(value)
    real = data.Feed.__init__
    monkeypatch.setattr(data.Feed, "__init__", lambda self, x, y, device, room: real(self, x, y, device, 0))
    got, streamed = run(value)
    assert "data on the device" in about(told) and "data streamed" in about(streamed)
    assert losses(got) == losses(want) and same(states(got)[0], states(want)[0])


def memory() -> int:
    torch.cuda.synchronize()
    return torch.cuda.memory_allocated()


def test_a_job_leaves_no_memory_behind():
    gc.collect()
    gc.disable()
    try:
        run(request(hyper=FEW))
        before = memory()
        for accelerate in ("auto", "off"):
            run(request(hyper={**FEW, "accelerate": accelerate}))
            value = request(hyper=FEW, run_id="r" + accelerate)
            with pytest.raises(team.Stopped):

                class Now:
                    n = 5

                    def is_set(self):
                        self.n -= 1
                        return self.n < 0

                run(value, Now(), runs.Memory("r" + accelerate, value))
            assert memory() <= before + 4096
    finally:
        gc.enable()


DEEP = {"type": "sequential", "layers": [*[{"type": "linear", "out_features": 1024}, {"type": "relu"}] * 80, {"type": "linear", "out_features": 3}]}


def too_large() -> tuple:
    """(so many samples that a batch of all of them does not fit, their request)."""
    _, total = torch.cuda.mem_get_info()
    n = 1
    while n * 160 * 1024 * 4 < total * 1.2:  # what the layers keep for the way back
        n *= 2
    return n, {"tensors": tensors.encode({"X": torch.randn(n, 4), "y": torch.arange(n) % 3})}


def test_out_of_memory_for_real():
    n, given = too_large()
    before = memory()
    with pytest.raises(wire.JobError) as e:
        run(request(model=DEEP, hyper={**FEW, "precision": "tf32", "batch_size": n, "epochs": 1}) | given)
    text = str(e.value)
    print(text)
    assert e.value.kind == "OutOfMemory" and f"batch_size {n} needs" in text and "would fit" in text
    del e
    gc.collect()
    assert memory() <= before + 4096
    fits = int(text.rsplit("; ", 1)[1].split()[0])
    got, _ = run(request(model=DEEP, hyper={**FEW, "precision": "tf32", "batch_size": fits, "epochs": 1}) | given)
    assert got["status"] == "success"
    devices.release()
    got, told = run(request(model=DEEP, hyper={**FEW, "precision": "tf32", "batch_size": n, "epochs": 1, "on_oom": "halve"}) | given)
    assert got["status"] == "success" and any("does not fit" in e.get("message", "") for e in told)


def test_evaluate_and_predict_on_the_gpu(monkeypatch):
    got, _ = run(request(hyper=FEW))
    for operation, more in (("evaluate", {"evaluation_data": {"features": {"tensor": "X"}, "labels": {"tensor": "y"}}}), ("predict", {})):
        value = request(operation, model=got["model_config"], hyper={"precision": "fp32"}, model_state=got["model_state"]) | more
        there, here = run(value)[0], on_cpu(monkeypatch, value)
        if operation == "predict":
            a, b = (tensors.decode(r["tensors"])["predictions"] for r in (there, here))
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
        else:
            assert there["metrics"]["loss"] == pytest.approx(here["metrics"]["loss"], abs=1e-5)
            assert there["metrics"]["confusion"] == here["metrics"]["confusion"]


def test_gpu_info():
    got = run({"operation": "gpu_info"})[0]["gpu_info"]
    assert got["cuda_available"] and got["memory_total"] > 0 and got["compute_capability"] and got["self_test"]["ok"]
    assert devices.benchmark(2048)["gflops"] > 1000

