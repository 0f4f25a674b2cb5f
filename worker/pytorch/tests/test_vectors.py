"""The vectors that Go and Python share: worker/testdata."""

import json
from pathlib import Path

import pytest
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
    assert request.operation == case["input"]["operation"]
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
            if p.type in ("layers", "forks"):
                f.raw(name)
            else:
                layers.parameter(f, row, name, "layer 1")
        f.end()


@pytest.mark.parametrize("case", vectors("vectors.json"), ids=lambda c: c["name"])
def test_bounds(case):
    """Just inside and just outside of every bound: the verdict and the field are Go's."""
    if case["valid"]:
        parse(case["input"])
        return
    with pytest.raises(wire.JobError) as e:
        parse(case["input"])
    assert e.value.kind == "InvalidRequest" and e.value.field == case["field"]


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
