#!/usr/bin/env python3
"""Writes the metrics of several labels a sample as scikit-learn computes them; both workers read them.

    python3 make_metrics.py > metrics.json      (scikit-learn 1.9)

Scores are before sigmoid; a label applies above 0.
"""

import json
import warnings

import numpy as np
from sklearn import metrics

warnings.simplefilter("ignore")  # a label that never applies has no AUC
rng = np.random.default_rng(5)
cases = []
for name, n, shares in [("three labels", 40, [0.5, 0.2, 0.8]), ("one that never applies", 12, [0.5, 0.0]), ("one that always applies", 12, [1.0, 0.4, 0.4])]:
    truth = (rng.random((n, len(shares))) < shares).astype(int)
    scores = np.round(2 * truth - 1 + 1.5 * rng.standard_normal(truth.shape), 1)  # rounded: with ties
    said = (scores > 0).astype(int)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(truth, said, average=None, zero_division=0)
    known = [c for c in range(len(shares)) if 0 < truth[:, c].sum() < n]
    cases.append({
        "name": name,
        "scores": scores.tolist(),
        "labels": truth.tolist(),
        "accuracy": 1 - metrics.hamming_loss(truth, said),
        "exact_match": metrics.accuracy_score(truth, said),
        "auc": metrics.roc_auc_score(truth[:, known], scores[:, known], average="macro"),
        "per_class": [{"class": c, "precision": precision[c], "recall": recall[c], "f1": f1[c], "support": int(support[c])} for c in range(len(shares))],
    })
print(json.dumps(cases, indent=1))
