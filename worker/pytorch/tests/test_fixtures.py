"""The engine's fixtures: what plain PyTorch made of a request, the engine in Go and this worker make too."""

import json
from pathlib import Path

import pytest
import torch
from helpers import run

from gopherpod_worker import tensors

FILE = Path(__file__).resolve().parents[2] / "engine" / "testdata" / "fixtures.json"
CASES = json.loads(FILE.read_text())
assert len(CASES) > 10


@pytest.mark.parametrize("case", CASES, ids=[c["name"] for c in CASES])
def test_agrees(case):
    if case["name"] == "nadam" and torch.__version__.startswith("1."):
        pytest.skip("NAdam of PyTorch 1 takes one factor twice; the engine and PyTorch 2 do not")
    if case["name"] == "transformer-0.1" and not torch.__version__.startswith("1."):
        pytest.skip("PyTorch 2 draws the dropout mask of attention in another kernel, so it is another mask")
    got, _ = run(case["request"])
    assert [h["loss"] for h in got["history"]] == pytest.approx(case["losses"], abs=1e-5, rel=1e-5)
    if case.get("held_losses"):
        assert [h["val_loss"] for h in got["history"]] == pytest.approx(case["held_losses"], abs=1e-5, rel=1e-5)
    if case.get("rates"):
        assert [h["learning_rate"] for h in got["history"]] == pytest.approx(case["rates"], rel=1e-6)
    ask = {k: case["request"][k] for k in ("model_config", "tensors") if k in case["request"]}
    ask |= {"operation": "predict", "protocol": 1, "model_state": got["model_state"], "input_data": {"features": case["request"]["training_data"]["features"]}}
    out = tensors.decode(run(ask)[0]["tensors"])["predictions"]
    want = torch.tensor(case["outputs"]).reshape(out.shape)
    assert torch.allclose(out, want, atol=1e-4, rtol=1e-4)
