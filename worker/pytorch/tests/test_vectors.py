"""The vectors that Go and Python share: worker/testdata."""

import json
from pathlib import Path

import pytest
import torch
from helpers import run

from gopherpod_worker import contract, fields, layers, models, tensors, wire

FOLDER = Path(__file__).resolve().parents[2] / "testdata"


def vectors(name):
    cases = json.loads((FOLDER / name).read_text())
    assert len(cases) > 3, name
    return cases


@pytest.mark.parametrize("case", vectors("requests.json"), ids=lambda c: c["name"])
def test_requests(case):
    request = wire.parse(case["input"])
    assert request.operation == case["input"].get("operation", "train_epoch")
    tensors.decode(request.tensors)


@pytest.mark.parametrize("case", vectors("rejected.json"), ids=lambda c: c["field"])
def test_rejected(case):
    with pytest.raises(wire.JobError) as e:
        wire.parse(case["input"])
    assert e.value.kind == "InvalidRequest" and e.value.field == case["field"]


def parse(value):
    """Reads a request and the parameters of its layers, without asking whether the sizes fit the data."""
    wire.parse(value)
    for i, layer in enumerate(value["model_config"]["layers"]):
        f = fields.Fields(layer, f"model_config.layers[{i}]")
        row = contract.LAYERS[f.text("type")]
        for name, p in row.params.items():
            if p.type not in ("layers", "lists of layers"):
                layers.parameter(f, row, name, "layer 1")
            elif f.has(name) or p.required:
                contain(layer, name, f"model_config.layers[{i}]")
            f.raw(name)
        f.end()


def contain(layer, name, path):
    """Builds a layer that holds layers, without its other parameters."""
    given = {k: v for k, v in layer.items() if k in ("layers", "branches", name)}
    models.Builder(1 << 30).container(layer["type"], fields.Fields(given, path), path, torch.empty((2, 1), device="meta"), "layer 1", 0)


def by_row(name):
    """The cases of a file by what is before the colon: thousands of tests of their own take a minute."""
    rows = {}
    for case in vectors(name):
        rows.setdefault(case["name"].partition(":")[0], []).append(case)
    return rows.values()


@pytest.mark.parametrize("cases", by_row("vectors.json"), ids=lambda c: c[0]["name"].partition(":")[0])
def test_bounds(cases):
    """At every bound, with every wrong type: the verdict, the field and what is wanted are Go's."""
    for case in cases:
        if case["valid"]:
            parse(case["input"])
            continue
        with pytest.raises(wire.JobError) as e:
            parse(case["input"])
        assert (e.value.kind, e.value.field) == ("InvalidRequest", case["field"]), case["name"]
        assert e.value.message.endswith(case.get("wants", "")), f"{case['name']}: {e.value.message}"


@pytest.mark.parametrize("case", vectors("layers.json"), ids=lambda c: c["layers"][0]["type"])
def test_layers(case):
    model, full, output = models.build({"type": "sequential", "layers": case["layers"]}, tuple(case["input"]), 0, models.embeds(case))
    assert list(output) == case["output"] and models.parameters(model) == case["parameters"]
    assert [[n, list(t.shape)] for n, t in model.state_dict().items()] == [s[:2] for s in case["state"]]
    again = models.build(full, tuple(case["input"]), 0, models.embeds(case))
    assert list(again[2]) == case["output"] and again[1] == full


@pytest.mark.parametrize("case", vectors("states.json"), ids=lambda c: c["name"])
def test_states_go_on(case):
    got, _ = run(case["request"])
    assert [h["loss"] for h in got["history"]] == pytest.approx(case["losses"], abs=1e-5)
