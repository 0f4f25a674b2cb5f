"""Metrics of several labels a sample, compared with scikit-learn's (worker/testdata/make_metrics.py)."""

import json
import math
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


@pytest.mark.parametrize(
    ("out", "labels", "want"),
    [
        ([0.1] * 3, [0.1] * 3, 1),
        ([0.1, 0.1, 0.2], [0.1] * 3, 0),
        ([0.0] * 7, [0.7] * 7, 0),
        ([0.1, 0.1, math.nan], [0.1] * 3, "NaN"),
        ([1.0, 2.0, math.nan], [1.0, 2.0, 3.0], "NaN"),
        ([1.0, 2.0, 4.0], [1.0, 2.0, 3.0], 0.5),
    ],
)
def test_r2_of_constant_labels_is_scikit_learns(out, labels, want):
    """As in the engine (TestR2OfConstantLabels)."""
    assert losses.regression(torch.tensor(out), torch.tensor(labels))["r2"] == want
