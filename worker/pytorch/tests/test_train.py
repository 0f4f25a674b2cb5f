"""Training: equals PyTorch's own loop, repeats for a seed, continues to a bit, learns."""

import math

import numpy as np
import pytest
import torch
from helpers import MLP, blobs, request, run, same, states
from torch import nn

from gopherpod_worker import fitting, models, operations, runs, team, tensors, trainer, wire

FEW = {"epochs": 4, "batch_size": 16, "seed": 3}


def test_equals_a_loop_by_hand():
    """The rule of README.md, "What a seed means", written out."""
    got, _ = run(request(hyper={**FEW, "optimizer": "adam", "learning_rate": 0.01, "validation_split": 0.2}))
    x, y = (torch.from_numpy(a) for a in blobs())
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    order = torch.randperm(90, generator=torch.Generator().manual_seed(3))
    xt, yt, xv, yv = x[order[:72]], y[order[:72]], x[order[72:]], y[order[72:]]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for e in range(4):
        order, total, right = torch.randperm(72, generator=torch.Generator().manual_seed(3 + 1 + e)), 0.0, 0
        torch.manual_seed(3 + 1 + e)  # dropout would draw from here
        for i in range(0, 72, 16):
            xb, yb = xt[order[i : i + 16]], yt[order[i : i + 16]]
            optimizer.zero_grad()
            out = model(xb)
            loss = nn.functional.cross_entropy(out, yb)
            loss.backward()
            optimizer.step()
            total += float(loss.detach().double()) * len(xb)
            right += int((out.argmax(1) == yb).sum())
        record = got["history"][e]
        assert record["loss"] == pytest.approx(total / 72, abs=1e-12) and record["accuracy"] == pytest.approx(right / 72)
        with torch.no_grad():
            assert record["val_loss"] == pytest.approx(float(nn.functional.cross_entropy(model(xv), yv)), abs=1e-6)
    assert same(states(got)[0], dict(model.state_dict()))


OPTIMIZERS = ["adam", "adamw", "sgd", "rmsprop", "adagrad", "nadam", "lbfgs"]
DROPOUT = {"type": "sequential", "layers": [{"type": "linear", "out_features": 16}, {"type": "batchnorm1d"}, {"type": "dropout", "p": 0.3}, {"type": "linear", "out_features": 3}]}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_five_and_five_are_ten(optimizer):
    momentum = {"momentum": 0.9} if optimizer in ("sgd", "rmsprop") else {}
    hyper = {**FEW, "optimizer": optimizer, **momentum, "scheduler": {"type": "step", "step_size": 3, "gamma": 0.5}}
    whole, _ = run(request(model=DROPOUT, hyper={**hyper, "epochs": 10}))
    first, _ = run(request(model=DROPOUT, hyper={**hyper, "epochs": 5}))
    state = {"model_state": first["model_state"], "optimizer_state": first["optimizer_state"], "start_epoch": 5}
    second, _ = run(request(model=DROPOUT, hyper={**hyper, "epochs": 5}, **state))
    def losses(r):
        return [h["loss"] for h in r["history"]]
    assert losses(first) + losses(second) == losses(whole)
    assert [h["epoch"] for h in second["history"]] == [6, 7, 8, 9, 10]
    assert same(states(whole)[0], states(second)[0]) and same(states(whole)[1], states(second)[1])


def test_lbfgs_goes_on_while_its_memory_grows():
    """Taken up after 9 batches it had room for 9 and ended with an IndexError in PyTorch 1."""
    hyper = {"batch_size": 32, "seed": 3, "optimizer": "lbfgs", "learning_rate": 0.02, "max_iter": 4}
    whole, _ = run(request(hyper={**hyper, "epochs": 6}))
    first, _ = run(request(hyper={**hyper, "epochs": 3}))
    state = {"model_state": first["model_state"], "optimizer_state": first["optimizer_state"], "start_epoch": 3}
    second, _ = run(request(hyper={**hyper, "epochs": 3}, **state))
    assert same(states(whole)[0], states(second)[0]) and same(states(whole)[1], states(second)[1])


def test_plateau_continues():
    hyper = {**FEW, "optimizer": "sgd", "learning_rate": 3.0, "scheduler": {"type": "plateau", "patience": 1, "factor": 0.5}}
    whole, _ = run(request(hyper={**hyper, "epochs": 10}))
    first, _ = run(request(hyper={**hyper, "epochs": 5}))
    state = {"model_state": first["model_state"], "optimizer_state": first["optimizer_state"], "start_epoch": 5}
    second, _ = run(request(hyper={**hyper, "epochs": 5}, **state))
    rates = [h["learning_rate"] for h in whole["history"]]
    assert rates == [h["learning_rate"] for h in first["history"] + second["history"]] and rates[-1] < rates[0]


def test_a_seed_repeats_and_another_differs():
    a, _ = run(request(hyper=FEW))
    torch.manual_seed(99)
    b, _ = run(request(hyper=FEW))
    c, _ = run(request(hyper={**FEW, "seed": 4}))
    assert same(states(a)[0], states(b)[0]) and not same(states(a)[0], states(c)[0])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_learns(optimizer):
    got, _ = run(request(hyper={"optimizer": optimizer, "epochs": 30, "batch_size": 90 if optimizer == "lbfgs" else 16}))
    first, last = got["history"][0]["loss"], got["history"][-1]["loss"]
    assert last < first * 0.9 and got["history"][-1]["accuracy"] > 0.5


def regression(loss, labels, width=1):
    x, _ = blobs(60)
    model = {"type": "sequential", "layers": [{"type": "linear", "out_features": 16}, {"type": "tanh"}, {"type": "linear", "out_features": width}]}
    value = request(model=model, hyper={"loss_function": loss, "epochs": 40, "batch_size": 20, "learning_rate": 0.01})
    named = {"X": torch.from_numpy(x), "y": torch.from_numpy(labels(x))}
    return value | {"tensors": tensors.encode(named)}


@pytest.mark.parametrize("loss", ["mse", "l1", "smooth_l1", "huber"])
def test_regression_keeps_floats(loss):
    value = regression(loss, lambda x: x[:, 0] * 0.37 + 0.11)
    got, _ = run(value)
    assert got["history"][-1]["loss"] < got["history"][0]["loss"] * 0.5 and "accuracy" not in got["history"][0]
    ask = {k: v for k, v in value.items() if k != "training_data"} | {"operation": "evaluate", "model_state": got["model_state"]}
    ask |= {"evaluation_data": value["training_data"], "hyperparameters": {"loss_function": loss}}  # epochs are of no use to it
    metrics = run(ask)[0]["metrics"]
    assert set(metrics) >= {"mae", "rmse", "r2"} and metrics["r2"] > 0.5


def test_bce_and_the_others():
    got, _ = run(regression("bce_with_logits", lambda x: (x[:, 0] > 1).astype(np.float32)))
    assert got["history"][-1]["accuracy"] > 0.9
    got, _ = run(regression("cosine", lambda x: x[:, :2].copy(), 2))
    assert got["history"][-1]["loss"] < got["history"][0]["loss"]
    for loss, layer in (("nll", "log_softmax"), ("kl_div", "log_softmax")):
        model = {"type": "sequential", "layers": [*MLP["layers"], {"type": layer}]}
        value = request(model=model, hyper={"loss_function": loss, **FEW})
        if loss == "kl_div":
            x, y = blobs()
            named = {"X": torch.from_numpy(x), "y": nn.functional.one_hot(torch.from_numpy(y), 3).float() * 0.9 + 0.1 / 3}
            value["tensors"] = tensors.encode(named)
        got, _ = run(value)
        assert got["history"][-1]["loss"] < got["history"][0]["loss"]


def test_class_weights_and_smoothing_are_pytorchs():
    from gopherpod_worker import losses

    out, y = torch.randn(7, 3), torch.tensor([0, 1, 2, 0, 0, 1, 2])
    hyper = wire.Hyperparameters(class_weights=(1.0, 2.0, 0.5), label_smoothing=0.1)
    want = nn.functional.cross_entropy(out, y, weight=torch.tensor([1.0, 2.0, 0.5]), label_smoothing=0.1)
    assert torch.equal(losses.Loss(hyper, (3,)).mean(out, y), want)


@pytest.mark.parametrize(
    "scheduler, make",
    [
        ({"type": "step", "step_size": 2, "gamma": 0.3}, lambda o: torch.optim.lr_scheduler.StepLR(o, 2, 0.3)),
        ({"type": "cosine", "t_max": 6, "eta_min": 0.001}, lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 6, 0.001)),
    ],
)
def test_rates_by_epoch(scheduler, make):
    got, _ = run(request(hyper={"optimizer": "sgd", "learning_rate": 0.1, "epochs": 6, "batch_size": 45, "scheduler": scheduler}))
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule, want = make(optimizer), []
    for _ in range(6):
        want.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert [h["learning_rate"] for h in got["history"]] == pytest.approx(want, rel=1e-9)


def test_rates_by_batch():
    from gopherpod_worker import optim

    hyper = wire.Hyperparameters(learning_rate=0.1, epochs=5, scheduler=wire.Scheduler("one_cycle", max_lr=0.5))
    rate = optim.Rate(hyper, 0, 4)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.5, total_steps=20, cycle_momentum=False)
    for step in range(20):
        assert rate.at(step // 4, step) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        optimizer.step()
        if step < 19:
            schedule.step()
    warm = optim.Rate(wire.Hyperparameters(learning_rate=0.1, scheduler=wire.Scheduler("warmup", steps=4)), 0, 4)
    assert [warm.at(0, s) for s in (0, 1, 3, 9)] == pytest.approx([0.025, 0.05, 0.1, 0.1])


def test_plateau_is_pytorchs():
    from gopherpod_worker import optim

    rate = optim.Rate(wire.Hyperparameters(learning_rate=0.1, scheduler=wire.Scheduler("plateau", factor=0.5, patience=2)), 0, 1)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=2)
    for value in (5, 4, 4, 4, 4, 4, 4, 3, 3.0001, 3, 3, 3, 3):
        rate.epoch_done(value)
        schedule.step(value)
        assert rate.at(0, 0) == optimizer.param_groups[0]["lr"]


def test_early_stopping_keeps_the_best():
    hyper = {"optimizer": "sgd", "learning_rate": 20.0, "epochs": 30, "batch_size": 16, "early_stopping": {"patience": 2}, "validation_split": 0.3, "clip_norm": 5}
    got, _ = run(request(hyper=hyper))
    assert got["status"] == "stopped" and "early stopping" in got["stopped"] and len(got["history"]) < 30
    values = [h["val_loss"] for h in got["history"]]
    best = values.index(min(values)) + 1
    again, _ = run(request(hyper={**{k: v for k, v in hyper.items() if k != "early_stopping"}, "epochs": best}))
    assert same(states(got)[0], states(again)[0])


def test_divergence_is_an_error_after_its_events():
    told = []
    with pytest.raises(wire.JobError) as e:
        operations.run(regression("mse", lambda x: x[:, 0] * 1e18) | {"hyperparameters": {"loss_function": "mse", "optimizer": "sgd", "learning_rate": 1e6}}, told.append, operations.Stop())
    assert e.value.kind == "Diverged" and told[-1]["epoch"]["loss"] in ("NaN", "Infinity")


def test_bf16_on_the_cpu_is_near_fp32():
    a, _ = run(request(hyper={**FEW, "epochs": 10}))
    b, _ = run(request(hyper={**FEW, "epochs": 10, "precision": "bf16"}))
    assert b["precision"] == "bf16" and b["history"][-1]["loss"] == pytest.approx(a["history"][-1]["loss"], rel=0.05)
    with pytest.raises(wire.JobError) as e:
        run(request(hyper={"precision": "fp16"}))
    assert e.value.kind == "Unsupported" and e.value.field == "hyperparameters.precision"
    assert run(request(hyper={"precision": "tf32"}))[0]["precision"] == "fp32"


# Memory of runs --------------------------------------------------------------------


class After:
    """A stop flag that is set when it was looked at n times: a worker that dies after batch n."""

    def __init__(self, n):
        self.n = n

    def is_set(self):
        self.n -= 1
        return self.n < 0


@pytest.mark.parametrize("batches", [0, 3, 5, 6, 11, 17])
def test_a_lost_worker_is_taken_up_to_the_bit(batches):
    value = request(model=DROPOUT, hyper={**FEW, "early_stopping": {"patience": 9}}, run_id="run-1")
    want, _ = run({k: v for k, v in value.items() if k != "run_id"})
    with pytest.raises(team.Stopped):
        run(value, After(batches), runs.Memory("run-1", value))
    got, told = run(value, memory=runs.Memory("run-1", value))
    assert same(states(got)[0], states(want)[0]) and same(states(got)[1], states(want)[1])
    assert [h["loss"] for h in got["history"]] == [h["loss"] for h in want["history"]]
    assert [e["epoch"]["epoch"] for e in told if e["type"] == "epoch"] == [1, 2, 3, 4]


def test_another_request_under_the_same_run_id_is_another_run():
    value = request(hyper=FEW, run_id="r")
    with pytest.raises(team.Stopped):
        run(value, After(9), runs.Memory("r", value))
    other = request(hyper={**FEW, "seed": 5}, run_id="r")
    assert runs.Memory("r", other).load() is None and runs.Memory("r", value).load() is not None


def test_a_damaged_checkpoint_is_no_checkpoint():
    value = request(hyper=FEW, run_id="r")
    memory = runs.Memory("r", value)
    with pytest.raises(team.Stopped):
        run(value, After(9), memory)
    path = memory.folder / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-3])
    assert runs.Memory("r", value).load() is None
    assert run(value, memory=runs.Memory("r", value))[0]["status"] == "success"


def test_checkpoint_every_n_epochs():
    value = request(hyper={**FEW, "checkpoint": {"epochs": 2}}, run_id="r")
    _, told = run(value, memory=runs.Memory("r", value))
    assert [e["message"] for e in told if e["type"] == "checkpoint"] == ["epoch 2, batch 0"]


# Out of memory -----------------------------------------------------------------------


@pytest.fixture
def small_memory(monkeypatch):
    """A device on which no batch above 16 fits."""
    from gopherpod_worker import step

    real = step.Eager.backward

    def backward(self, x, y):
        if len(x) > 16:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return real(self, x, y)

    monkeypatch.setattr(step.Eager, "backward", backward)


def test_out_of_memory_says_what_would_fit(small_memory, monkeypatch):
    monkeypatch.setattr(fitting, "fitting", lambda request, arrays, size: (16, 91e9))
    with pytest.raises(wire.JobError) as e:
        run(request(hyper={"batch_size": 64}))
    assert e.value.kind == "OutOfMemory" and str(e.value) == "hyperparameters.batch_size: batch_size 64 needs 91 GB; 16 would fit"


@pytest.fixture
def trainers(monkeypatch):
    """How many Trainers are alive."""
    import weakref

    alive = weakref.WeakSet()
    init = trainer.Trainer.__init__

    def remember(self, *args, **kw):
        alive.add(self)
        init(self, *args, **kw)

    monkeypatch.setattr(trainer.Trainer, "__init__", remember)
    return alive


def test_memory_is_free_when_what_would_fit_is_measured(small_memory, trainers, monkeypatch):
    """Without the garbage collector: a GPU's memory does not wait for it."""
    import gc

    alive = []
    monkeypatch.setattr(fitting, "fitting", lambda request, arrays, size: alive.append(len(trainers)) or (0, 0))
    gc.disable()
    try:
        with pytest.raises(wire.JobError):
            run(request(hyper={"batch_size": 64}))
        assert alive == [0]
        run(request(hyper=FEW))
        assert len(trainers) == 0
        value = request(hyper=FEW, run_id="r")
        with pytest.raises(team.Stopped) as kept:
            run(value, After(9), runs.Memory("r", value))
        assert len(trainers) == 0 and kept.value is not None
    finally:
        gc.enable()


def test_what_would_fit_is_a_straight_line():
    gb = 10**9
    fits, needs = fitting.extrapolated((64, 128), [2 * gb, 3 * gb], 60 * gb, 4096)
    assert needs == 65 * gb and fits == 2048
    assert fitting.extrapolated((64, 128), [2 * gb, 3 * gb], 8 * gb, 4096)[0] == 256
    assert fitting.extrapolated((1, 2), [2 * gb, 3 * gb], gb, 16)[0] == 0


def test_out_of_memory_is_halved_on_request(small_memory):
    got, told = run(request(hyper={"batch_size": 64, "on_oom": "halve"}))
    want, _ = run(request(hyper={"batch_size": 16}))
    assert got["status"] == "success" and same(states(got)[0], states(want)[0])
    assert sum("does not fit" in e.get("message", "") for e in told) == 2


def test_evaluation_halves_by_itself(monkeypatch):
    got, _ = run(request(hyper=FEW))
    real = nn.Sequential.forward

    def forward(self, x):
        if len(x) > 10 and x.device.type == "cpu":
            raise RuntimeError("CUDA out of memory")
        return real(self, x)

    ask = request("evaluate", model_state=got["model_state"])
    want, _ = run(ask)
    monkeypatch.setattr(nn.Sequential, "forward", forward)
    halved, _ = run(ask)
    assert halved["metrics"]["loss"] == pytest.approx(want["metrics"]["loss"], rel=1e-6)


def test_batch_norm_and_a_batch_of_one():
    with pytest.raises(wire.JobError) as e:
        run(request(model=DROPOUT, n=33, hyper={"batch_size": 32}))
    assert e.value.field == "hyperparameters.batch_size" and "too small for batch norm" in str(e.value)


def test_history_matches_loss_functions_of_the_end_state():
    got, _ = run(request(hyper=FEW))
    evaluated, _ = run(request("evaluate", model_state=got["model_state"]))
    assert math.isfinite(evaluated["metrics"]["loss"]) and len(evaluated["metrics"]["confusion"]) == 3
    assert sum(map(sum, evaluated["metrics"]["confusion"])) == 90
    model, _, _ = models.build(got["model_config"], (4,), 0)
    models.load(model, states(got)[0])
    x, y = (torch.from_numpy(a) for a in blobs())
    with torch.no_grad():
        assert evaluated["metrics"]["loss"] == pytest.approx(float(nn.functional.cross_entropy(model(x), y)), rel=1e-6)
