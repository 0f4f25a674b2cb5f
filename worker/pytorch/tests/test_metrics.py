"""Metrics of several labels a sample, compared with scikit-learn's (worker/testdata/make_metrics.py)."""

import json
from pathlib import Path

import pytest
import torch

from gopherpod_worker import losses, wire

CASES = json.loads((Path(__file__).parents[2] / "testdata" / "metrics.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[c["name"] for c in CASES])
def test_labels_are_not_classes(case):
    scores, truth = torch.tensor(case["scores"]), torch.tensor(case["labels"], dtype=torch.float32)
    loss = losses.Loss(wire.Hyperparameters(loss_function="bce_with_logits"), tuple(scores.shape[1:]))
    got = losses.evaluation(loss, scores, truth)
    assert got["exact_match"] == pytest.approx(case["exact_match"]) and got["auc"] == pytest.approx(case["auc"]) and "confusion" not in got
    assert len(got["per_class"]) == len(case["per_class"])
    for row, want in zip(got["per_class"], case["per_class"], strict=True):
        assert row == pytest.approx(want)
    assert float(loss.correct(scores, truth)) / len(truth) == pytest.approx(case["accuracy"])
