"""Which weights a training leaves: at its end, at its time limit, interrupted, diverged, failed, on a full volume."""

import errno
import time

import pytest
import torch
from helpers import drain, request, run, same, states

from gopherpod_worker import data, keep, operations, runs, step, wire
from gopherpod_worker.runs import Memory

LINE = {"type": "sequential", "layers": [{"type": "linear", "out_features": 1}]}
COLLECT = {"id": "2", "input": {"operation": "collect", "protocol": 1, "run_id": "r"}}
# The loss of plain steps of 0.4 is lowest in the second epoch; in the end it is no number.
GROWS = {"loss_function": "mse", "optimizer": "sgd", "learning_rate": 0.4, "batch_size": 90, "epochs": 6, "seed": 3}


def lowest(history, name="loss"):
    return 1 + min(range(len(history)), key=lambda i: history[i][name])


def asked(**hyper):
    return request(model=LINE, hyper={**GROWS, **hyper}, run_id="r")


def collected():
    """The result of the run that failed."""
    return drain(COLLECT)[-1]["result"]


def test_keep_chooses_the_weights():
    last, best = run(asked(keep="last"))[0], run(asked(keep="best"))[0]
    at = lowest(best["history"])
    assert at < 6, "the test wants a best epoch before the last"
    assert last["weights"] == {"epoch": 6} and best["weights"] == {"epoch": at, "best": "loss"}
    for a, b in ((last, run(asked())[0]), (best, run(asked(epochs=at))[0])):
        assert all(same(x, y) for x, y in zip(states(a), states(b), strict=True))
    early = run(asked(early_stopping={"patience": 2}, epochs=20))[0]
    assert early["weights"] == {"epoch": lowest(early["history"]), "best": "loss"} and same(states(early)[0], states(best)[0])
    stays = run(asked(early_stopping={"patience": 2}, epochs=20, keep="last"))[0]
    assert stays["weights"] == {"epoch": len(stays["history"])} and "the last state is kept" in stays["stopped"]


def test_the_best_is_measured_on_the_validation_data():
    out = run(asked(keep="best", validation_split=0.3, batch_size=63))[0]
    assert out["weights"] == {"epoch": lowest(out["history"], "val_loss"), "best": "val_loss"}


@pytest.mark.parametrize(("hyper", "best"), [({"keep": "last"}, None), ({"keep": "best"}, "loss"), ({"early_stopping": {"patience": 1_000_000}}, "loss")])
def test_the_time_limit_leaves_the_weights_so_far(hyper, best):
    begun = time.monotonic()
    out, told = run({**asked(epochs=100_000_000, learning_rate=0.001, **hyper), "time_limit": 1.0})
    assert time.monotonic() - begun < 10
    assert (out["status"], out["stopped"], out["weights"].get("best")) == ("stopped", "time limit", best)
    assert out["history"] and out["weights"]["epoch"] <= len(out["history"]) == sum(e["type"] == "epoch" for e in told)


def test_the_time_limit_holds_while_validation_runs(monkeypatch):
    def validate(self, real=operations.train.Trainer.validate):
        self.clock.until = 0.0
        return real(self)

    monkeypatch.setattr(operations.train.Trainer, "validate", validate)
    out = run({**asked(validation_split=0.3, batch_size=40), "time_limit": 100})[0]
    assert out["stopped"] == "time limit" and out["weights"] == {"epoch": 0, "batch": 2} and out["history"] == []


def test_no_time_for_a_batch_is_said():
    with pytest.raises(wire.JobError, match="time_limit"):
        wire.parse({**asked(), "time_limit": -1})
    clock = keep.Clock(10.0)
    assert not clock.late()
    clock.until = 0.0
    assert clock.late()


@pytest.mark.parametrize(("limit", "states", "want"), [(5, 0, 1.1), (1, 0, 0.5), (600, 50_000_000, 23), (60, 1 << 40, 30)])
def test_time_to_answer(limit, states, want):
    assert keep.time_to_answer(limit, states) == pytest.approx(want)  # as in worker/engine/keep_test.go


@pytest.mark.parametrize("which", ["last", "best"])
def test_a_diverged_run_leaves_its_last_good_weights(which):
    told = drain({"id": "1", "input": asked(keep=which, epochs=1000)})
    assert "Diverged" in told[-1]["error"]
    left = collected()
    assert left["stopped"] == "failed" and 1 <= left["weights"]["epoch"] <= len(left["history"])
    assert left["weights"].get("best") == ("loss" if which == "best" else None)
    assert all(bool(torch.isfinite(t).all()) for t in states(left)[0].values())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "OutOfMemory"),
        (RuntimeError("an index is wrong"), "InternalError"),
        (OSError(errno.ENOSPC, "No space left on device"), "Unsupported"),
        (MemoryError(), "OutOfMemory"),
    ],
)
@pytest.mark.parametrize("which", ["last", "best"])
def test_a_failure_leaves_the_weights(monkeypatch, error, kind, which):
    steps = []
    real = step.Eager.step

    def fails(self, x, y):
        steps.append(1)
        if len(steps) == 4:
            raise error
        real(self, x, y)

    monkeypatch.setattr(step.Eager, "step", fails)
    told = drain({"id": "1", "input": asked(keep=which)})
    assert kind in told[-1]["error"]
    left = collected()
    want = {"epoch": lowest(left["history"]), "best": "loss"} if which == "best" else {"epoch": 3}
    assert left["weights"] == want and [h["epoch"] for h in left["history"]] == [1, 2, 3]


@pytest.mark.parametrize("begins", [False, True])
def test_a_full_volume_costs_nothing_that_was_paid_for(monkeypatch, begins):
    """The volume takes no file when the run leaves its weights, or from the beginning."""
    real = data.write

    def write(path, content):
        if begins or path.name in ("left.json", "checkpoint.safetensors"):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, content)

    monkeypatch.setattr(data, "write", write)
    told = drain({"id": "1", "input": asked(epochs=1000)})
    assert "Diverged" in told[-1]["error"]
    assert collected()["weights"]["epoch"] >= 1


def test_the_recent_runs_are_bounded():
    recent = runs.Recent(100)
    for i in range(10):
        recent.put(str(i), ["x" * 30])
    assert recent.get("9") == ["x" * 30] and recent.get("0") is None and sum(recent.get(str(i)) is not None for i in range(10)) == 2


@pytest.mark.parametrize("which", ["last", "best"])
def test_a_run_whose_worker_was_killed_leaves_its_checkpoint(which):
    class Killed(BaseException):
        pass

    value, seen = asked(keep=which, checkpoint={"epochs": 1}), []

    def emit(event):
        seen.append(event)
        if sum(e["type"] == "checkpoint" for e in seen) == 4:
            raise Killed

    with pytest.raises(Killed):
        operations.run(value, emit, operations.Stop(), Memory("r", value))
    left = collected()
    want = {"epoch": lowest(left["history"]), "best": "loss"} if which == "best" else {"epoch": 4}
    assert left["weights"] == want and left["stopped"] == "failed" and len(left["history"]) == 4


def test_the_time_limit_of_a_batch_leaves_the_weights_of_its_trainings():
    part = asked(epochs=100_000_000, learning_rate=0.001)
    first, second, third = run({"operation": "batch", "protocol": 1, "time_limit": 1.5, "requests": [part, part, {"operation": "capabilities"}]})[0]["results"]
    assert first["stopped"] == "time limit" and first["model_state"]
    assert "the time of the batch was over" in second["failure"]["error_message"] and third["status"] == "success"
