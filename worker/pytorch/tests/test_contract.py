"""The contract's table holds on this side: ranges, defaults, what applies, and that 0 is a value."""

import math

import pytest
from helpers import request, run, same, states

from gopherpod_worker import contract, wire

ROWS = contract.HYPERPARAMETERS.values()
BASE = {
    "operation": "train",
    "protocol": 1,
    "model_config": {"type": "sequential", "layers": [{"type": "linear", "out_features": 2}]},
    "training_data": {"features": [[1.0]], "labels": [0]},
}


def given(row, value):
    """A request that gives a value where it applies."""
    hyper = {}
    if row.optimizers:
        hyper["optimizer"] = row.optimizers[0]
    if row.losses:
        hyper["loss_function"] = row.losses[0]
    if row.name == "nesterov":
        hyper["momentum"] = 0.5
    outer, _, name = row.name.rpartition(".")
    at = hyper
    if outer:
        at = hyper[outer] = {r.name.rpartition(".")[2]: r.values[0] if r.values else 1 for r in ROWS if r.required and r.name.startswith(outer + ".")}
        if row.schedulers:
            at["type"] = row.schedulers[0]
    at[name] = value
    return {**BASE, "hyperparameters": hyper}


def got(row, value):
    hyper = wire.parse(given(row, value)).hyper
    for part in row.name.split("."):
        hyper = getattr(hyper, part)
    return hyper


def bounds():
    """(row, value, within) for every bound: on it or beside it."""
    for row in ROWS:
        if row.type in ("boolean", "choice"):
            continue
        whole = row.type in ("integer", "gpus")
        for key, out in (("low", -1), ("high", 1)):
            x, open_end = getattr(row.range, key), getattr(row.range, f"open_{key}")
            beyond = int(x) + out * max(1, abs(int(x)) >> 50) if whole else math.nextafter(x, math.copysign(math.inf, out))
            inside = math.nextafter(x, -math.copysign(math.inf, out)) if open_end else int(x) if whole else x
            yield row, inside, True
            yield row, x if open_end else beyond, False


CASES = list(bounds())
assert len(CASES) > 80


@pytest.mark.parametrize("row, value, within", CASES, ids=lambda v: getattr(v, "name", str(v)))
def test_every_bound(row, value, within):
    values = value
    if row.type == "numbers":  # a list of any length gets a second value, because some must not be all 0
        values = [value] * row.length if row.length else [value, 0.5]
    if within:
        assert got(row, values) == (tuple(values) if row.type == "numbers" else value)
        return
    with pytest.raises(wire.JobError) as e:
        wire.parse(given(row, values))
    assert e.value.kind == "InvalidRequest" and e.value.field == f"hyperparameters.{row.name}" + ("[0]" if row.type == "numbers" else "")


@pytest.mark.parametrize("row", [r for r in ROWS if r.range.contains(0) and r.type in ("number", "integer")], ids=lambda r: r.name)
def test_zero_is_zero(row):
    assert got(row, 0) == 0 and got(row, 0.0) == 0


@pytest.mark.parametrize("row", [r for r in ROWS if r.type in ("integer", "number")], ids=lambda r: r.name)
def test_types(row):
    for value in (True, "1", [1], {}, float("nan"), float("inf")) + ((1.5,) if row.type == "integer" else ()):
        with pytest.raises(wire.JobError) as e:
            wire.parse(given(row, value))
        assert e.value.field == "hyperparameters." + row.name
    inside = max(int(row.range.low), 1) if row.range.high > 1 else 0.5
    if isinstance(inside, int):
        assert got(row, float(inside)) == inside


def foreign():
    """(row, kind, word) for everything that a value does not apply to."""
    words = {"optimizers": contract.OPTIMIZERS, "losses": contract.LOSSES, "schedulers": contract.SCHEDULERS}
    for row in ROWS:
        for kind, known in words.items():
            for word in known:
                if getattr(row, kind) and word not in getattr(row, kind):
                    yield row, kind, word


@pytest.mark.parametrize("row, kind, word", list(foreign()), ids=lambda v: getattr(v, "name", str(v)))
def test_what_does_not_apply_is_refused(row, kind, word):
    value = True if row.type == "boolean" else [0.5] * (row.length or 2) if row.type == "numbers" else 0.25 if row.type == "number" else 3
    request = given(row, value)
    place = request["hyperparameters"]
    if kind == "schedulers":
        place["scheduler"]["type"] = word
    else:
        place[{"optimizers": "optimizer", "losses": "loss_function"}[kind]] = word
    place.pop("momentum", None) if row.name == "nesterov" else None
    with pytest.raises(wire.JobError, match=f"{word} does not use it") as e:
        wire.parse(request)
    assert e.value.field == "hyperparameters." + row.name
    if kind == "optimizers" and row.name != "nesterov":  # the predecessor's clients are not refused
        wire.parse({**request, "protocol": 0})
    at, name = (place["scheduler"], row.name.rpartition(".")[2]) if kind == "schedulers" else (place, row.name)
    default = row.default_for(word if kind == "optimizers" else contract.default("optimizer"))
    if default is not None:  # clients of the first version send all defaults
        at[name] = list(default) if isinstance(default, tuple) else default
        wire.parse(request)


def test_an_explicit_zero_changes_the_training():
    base = {"epochs": 2, "seed": 1, "batch_size": 30}
    none, decay = (states(run(request(hyper={**base, "optimizer": "adamw", **more}))[0])[0] for more in ({"weight_decay": 0}, {}))
    assert not same(none, decay)
    still, _ = run(request(hyper={**base, "learning_rate": 0}))
    start, _ = run(request(hyper={**base, "learning_rate": 0, "epochs": 1}))
    assert same(states(still)[0], states(start)[0]) and still["history"][0]["learning_rate"] == 0
    step, _ = run(request(hyper={**base, "scheduler": {"type": "step", "step_size": 1, "gamma": 0}}))
    assert [h["learning_rate"] for h in step["history"]] == [0.001, 0]


def test_delta_of_huber_is_above_zero():
    with pytest.raises(wire.JobError) as e:
        wire.parse({**BASE, "hyperparameters": {"loss_function": "huber", "delta": 0}})
    assert e.value.field == "hyperparameters.delta"
    assert wire.parse({**BASE, "hyperparameters": {"loss_function": "smooth_l1", "delta": 0}}).hyper.delta == 0


@pytest.mark.parametrize("loss", contract.LOSSES)
def test_metrics(loss):
    """Under each loss, an evaluation has the metrics that the table lists for the loss's labels."""
    task = contract.TASKS[loss]
    model = {"type": "sequential", "layers": [{"type": "linear", "out_features": 2}]}
    labels = [0, 1, 1, 0] if task == "classes" else [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
    data = {"features": [[1.0], [2.0], [3.0], [4.0]], "labels": labels}
    base = {"protocol": 1, "model_config": model, "hyperparameters": {"loss_function": loss} | ({"top_k": 1} if task == "classes" else {})}
    trained, told = run({"operation": "train", "training_data": data, "validation_data": data, **base})
    metrics = run({"operation": "evaluate", "evaluation_data": data, "model_state": trained["model_state"], **base})[0]["metrics"]
    rows = [r for r in contract.METRICS.values() if task in r["tasks"]]
    assert set(metrics) - {"samples_processed", "device_used", "confusion", "per_class"} == {r["name"] for r in rows if not r.get("per_class")}
    assert set(metrics.get("per_class", [{}])[0]) - {"class", "support"} == {r["name"] for r in rows if r.get("per_class")}
    epochs = {r["name"] for r in rows if r.get("epochs")}
    known = {r["name"] for r in contract.METRICS.values()}
    assert set(trained["history"][0]) & (known | {"val_" + k for k in known}) == epochs | {"val_" + k for k in epochs}


def test_capabilities():
    answer, _ = run({"operation": "capabilities"})
    for name in ("operations", "optimizers", "losses", "schedulers", "layers", "models", "features"):
        mine = [r["name"] for r in contract.TABLE[name] if "pytorch" in r["workers"] and r["name"] != "python"]
        assert sorted(answer[name]) == sorted(mine), name
    assert set(answer["precisions"]) < {r["name"] for r in contract.TABLE["precisions"] if "pytorch" in r["workers"]}
