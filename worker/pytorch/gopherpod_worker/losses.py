"""Loss functions and what they require of labels; metrics of training and evaluation.

A Loss splits the mean into a sum and a norm (samples, elements or class
weights), so that batches of unequal size and the shares of several GPUs add up
to the mean over all samples.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from . import source
from .contract import TASKS
from .wire import Hyperparameters, JobError, invalid, number


class Loss:
    """The loss function of hyper for outputs of the given shape (without the batch).

    A source's own loss takes the place of it. Then loss_function only says what the labels are, and they may have any shape."""

    def __init__(self, hyper: Hyperparameters, shape: tuple[Any, ...], functions: source.Functions = source.NONE):
        self.name, self.hyper, self.shape = hyper.loss_function, hyper, shape
        self.task = TASKS[self.name]
        self.functions, self.own = functions, functions.loss is not None
        self.fits = True  # whether the labels are those of the task, so that its metrics mean something
        self.weight = torch.tensor(hyper.class_weights, dtype=torch.float32) if hyper.class_weights else None
        if self.own:
            if self.weight is not None:
                raise invalid("hyperparameters.class_weights", "the source's own loss does not use them")
            return
        if self.task == "classes":
            if not shape:
                raise invalid("model_config", f"{self.name} wants an output for each class, the model gives one number a sample")
            if self.weight is not None and len(self.weight) != shape[0]:
                raise invalid("hyperparameters.class_weights", f"{len(self.weight)} weights for {shape[0]} outputs")
        if self.name == "cosine" and len(shape) != 1:
            raise invalid("model_config", f"cosine wants a vector for each sample, the model gives {list(shape)}")

    @property
    def classifies(self) -> bool:
        return self.fits and self.task in ("classes", "labels")

    def to(self, device: torch.device | str) -> Loss:
        if self.weight is not None:
            self.weight = self.weight.to(device)
        return self

    def labels(self, y: torch.Tensor, path: str) -> torch.Tensor:
        """Returns labels as the loss wants them: classes as int64 in range, anything else as float32 in the shape of the outputs."""
        if y.is_floating_point() and not bool(torch.isfinite(y).all()):
            raise invalid(path, "NaN or infinity among the labels")
        if self.own:
            return self._targets(y, path)
        return self._labels(y, path)

    def _targets(self, y: torch.Tensor, path: str) -> torch.Tensor:
        """Returns labels for the source's own loss: as the task wants them if they suit it, else as they are."""
        try:
            if self.task == "classes" and not self.shape:
                raise invalid(path, "one number is no class")
            return self._labels(y, path)
        except JobError:
            self.fits = False
            return y.to(torch.float32) if y.is_floating_point() else y.to(torch.int64)

    def _labels(self, y: torch.Tensor, path: str) -> torch.Tensor:
        if self.task == "classes":
            return self._classes(y, path)
        want = (len(y), *self.shape)
        y = y.to(torch.float32)
        fits = y.numel() == len(y) * _count(self.shape) and [n for n in y.shape[1:] if n != 1] == [n for n in self.shape if n != 1]
        if tuple(y.shape) != want and fits:
            y = y.reshape(want)
        if tuple(y.shape) != want:
            raise invalid(path, f"labels of {list(y.shape[1:])} a sample, the model gives {list(self.shape)}")
        if self.name == "bce_with_logits" and len(y) and (float(y.min()) < 0 or float(y.max()) > 1):
            raise invalid(path, "bce_with_logits wants labels from 0 to 1")
        return y

    def _classes(self, y: torch.Tensor, path: str) -> torch.Tensor:
        classes, rest = self.shape[0], self.shape[1:]
        if self.name == "cross_entropy" and tuple(y.shape[1:]) == self.shape and y.is_floating_point() and classes > 1:
            return y.to(torch.float32)  # a probability for each class
        if y.dim() == 2 and y.shape[1] == 1 and not rest:
            y = y[:, 0]
        if tuple(y.shape[1:]) != rest:
            raise invalid(path, f"labels of {list(y.shape[1:])} a sample, the model gives {list(self.shape)}: {classes} classes")
        whole = y.to(torch.int64)
        if y.is_floating_point() and not bool((whole == y).all()):
            i = int((whole != y).reshape(len(y), -1).any(1).nonzero()[0])
            raise invalid(f"{path}[{i}]", f"{self.name} wants classes 0, 1, 2, ... as integers; mse is for numbers")
        if len(y) and (int(whole.min()) < 0 or int(whole.max()) >= classes):
            bad = ((whole < 0) | (whole >= classes)).reshape(len(y), -1).any(1).nonzero()[0]
            value = int(whole.reshape(len(y), -1)[int(bad)].min()) if int(whole.min()) < 0 else int(whole.reshape(len(y), -1)[int(bad)].max())
            raise invalid(f"{path}[{int(bad)}]", f"class {value}, but the model gives {classes} outputs: classes 0 to {classes - 1}")
        return whole

    def mean(self, outputs: Any, y: torch.Tensor) -> torch.Tensor:
        h, name = self.hyper, self.name
        if self.own:
            return self.functions.mean(source.floats(outputs), y)
        out = source.primary(outputs).float()
        if name == "cross_entropy":
            return F.cross_entropy(out, y, weight=self.weight, label_smoothing=h.label_smoothing)
        if name == "nll":
            return F.nll_loss(out, y, weight=self.weight)
        if name == "bce_with_logits":
            return F.binary_cross_entropy_with_logits(out, y)
        if name == "mse":
            return F.mse_loss(out, y)
        if name == "l1":
            return F.l1_loss(out, y)
        if name == "smooth_l1":
            return F.smooth_l1_loss(out, y, beta=h.delta)
        if name == "huber":
            return F.huber_loss(out, y, delta=h.delta)
        if name == "kl_div":
            return F.kl_div(out, y, reduction="batchmean")
        return (1 - F.cosine_similarity(out, y, dim=1)).mean()

    def norm(self, y: torch.Tensor) -> float:
        """Returns the divisor of the mean over these labels."""
        if self.weight is not None and not y.is_floating_point():
            return float(self.weight.to(y.device)[y].sum())
        return float(len(y))

    def correct(self, outputs: Any, y: torch.Tensor) -> torch.Tensor:
        """Returns how many samples are correct (0-d, on the device); a sample with several decisions counts by its share of correct ones."""
        out = source.primary(outputs)
        hit = out.argmax(1) == (y.argmax(1) if y.is_floating_point() else y) if self.task == "classes" else (out > 0) == (y > 0.5)
        return hit.sum() if hit.dim() == 1 else hit.float().reshape(len(out), -1).mean(1).sum()


def _count(shape: tuple[Any, ...]) -> int:
    n = 1
    for s in shape:
        n *= s
    return n


# Evaluation ------------------------------------------------------------------------


def evaluation(loss: Loss, out: torch.Tensor, y: torch.Tensor, top_k: int = 0) -> dict[str, Any]:
    """Returns the metrics other than loss and accuracy, for all outputs at once (on the CPU)."""
    out = out.float()
    if not loss.fits:
        return {}
    if not loss.classifies:
        return regression(out, y)
    if loss.task == "labels":
        if _count(loss.shape) != 1:
            return labels(out, y) if len(loss.shape) == 1 else {}
        truth, score = (y.reshape(-1) > 0.5).long(), out.reshape(-1)
        return classes((score > 0).long(), truth, 2) | {"auc": number(auc(score, truth == 1))}
    if len(loss.shape) != 1:
        return {}
    truth, n = (y.argmax(1) if y.is_floating_point() else y), loss.shape[0]
    found = classes(out.argmax(1), truth, n)
    score = out.double().softmax(1) if n != 2 else out  # raw scores rank samples differently than probabilities
    aucs = [auc(score[:, c] if n != 2 else out[:, 1] - out[:, 0], truth == c) for c in (range(n) if n != 2 else (1,))] if n <= 1000 else []
    known = [a for a in aucs if a == a]
    if known:
        found["auc"] = number(sum(known) / len(known))
    if top_k and n > top_k:
        found["top_k_accuracy"] = number((out.topk(top_k, dim=1).indices == truth[:, None]).any(1).double().mean())
    return found


def classes(predicted: torch.Tensor, truth: torch.Tensor, n: int) -> dict[str, Any]:
    """Returns the confusion matrix [true][predicted], and precision, recall and F1 of each class."""
    if n > 2000:
        return {}
    table = torch.bincount(truth * n + predicted, minlength=n * n).reshape(n, n)
    rows = [row(c, int(table[c, c]), int(table[:, c].sum()), int(table[c].sum())) for c in range(n)]
    return {"per_class": rows, "confusion": table.tolist()}


def labels(out: torch.Tensor, y: torch.Tensor) -> dict[str, Any]:
    """Returns the metrics for several labels a sample, each of which applies or not: precision, recall and F1 of each, the share of
    samples with all labels right, the mean AUC. There is no confusion matrix, because labels do not exclude each other."""
    said, truth = out > 0, y > 0.5
    found: dict[str, Any] = {"exact_match": number((said == truth).all(1).double().mean())}
    if out.shape[1] <= 2000:
        counts = torch.stack([(said & truth).sum(0), said.sum(0), truth.sum(0)]).T.tolist()
        found["per_class"] = [row(c, *n) for c, n in enumerate(counts)]
    aucs = [auc(out[:, c], truth[:, c]) for c in range(out.shape[1])] if out.shape[1] <= 1000 else []
    known = [a for a in aucs if a == a]
    if known:
        found["auc"] = number(sum(known) / len(known))
    return found


def row(c: int, hit: int, said: int, there: int) -> dict[str, Any]:
    """Returns precision, recall and F1 of a class; 0 if the divisor is 0."""
    precision, recall = hit / said if said else 0.0, hit / there if there else 0.0
    f1 = 2 * hit / (said + there) if said + there else 0.0
    return {"class": c, "precision": precision, "recall": recall, "f1": f1, "support": there}


def auc(score: torch.Tensor, truth: torch.Tensor) -> float:
    """Returns the area under the ROC curve, by ranks with ties shared; NaN if one class is absent or a score is NaN."""
    up, down = int(truth.sum()), int((~truth).sum())
    if not up or not down or not bool(torch.isfinite(score).all()):
        return float("nan")
    _, inverse, counts = torch.unique(score, return_inverse=True, return_counts=True)
    ends = counts.cumsum(0).double()
    ranks = ends - (counts.double() - 1) / 2
    return (float(ranks[inverse][truth].sum()) - up * (up + 1) / 2) / (up * down)


def regression(out: torch.Tensor, y: torch.Tensor) -> dict[str, Any]:
    """Returns mean absolute error, root mean square error and R2 (mean over the outputs, as in scikit-learn).

    For an output whose labels do not vary, R2 is 1 if all predictions are right and otherwise 0; a prediction that is no number makes it
    no number either."""
    n = len(out)
    a, b = out.reshape(n, -1).double(), y.reshape(n, -1).double()
    rest, spread = (a - b).square().sum(0), (b - b.mean(0)).square().sum(0)
    same = (b == b[0]).all(0)  # the mean of equal numbers may be another number
    r2 = torch.where(same, torch.where(rest == 0, 1.0, 0 * rest), 1 - rest / spread)
    return {"mae": number((a - b).abs().mean()), "rmse": number((a - b).square().mean().sqrt()), "r2": number(r2.mean())}
