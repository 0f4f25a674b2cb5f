"""Which weights a training leaves, and when it has to be over.

    Clock     ends a training before its job's time limit (worker.TimeToAnswer)
    Kept      the state of the best epoch, or of the last one in case that the training fails
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import torch

from .hyper import Hyperparameters
from .wire import JobError

AT_LIMIT, INTERRUPTED, FAILED = "time limit", "interrupted", "failed"  # TrainResult.Stopped (worker/event.go)
SHARE, FREE = 0.02, 0.05  # of the training's time that copies may take in case that it fails, and seconds besides
Named = dict[str, torch.Tensor]


def time_to_answer(limit: float, states: float) -> float:
    """Seconds before the limit that states of so many bytes as text need to reach the service (worker.TimeToAnswer)."""
    return min(1 + limit / 50 + states / 5_000_000, limit / 2)


class Clock:
    """Says when there is no time for another batch. A limit of 0 is none."""

    def __init__(self, limit: float = 0.0, begun: float | None = None):
        self.limit, self.begun = limit, time.monotonic() if begun is None else begun
        self.batch = self.validation = 0.0  # seconds that they take
        self.last = self.begun
        self.until = math.inf

    def states(self, numbers: int) -> None:
        """Sets the time at which a training has to be over whose states have so many numbers."""
        if self.limit > 0:
            self.until = self.begun + self.limit - time_to_answer(self.limit, numbers * 4 * 4 / 3)

    def start(self) -> None:
        """A batch begins that follows something else."""
        self.last = time.monotonic()

    def tick(self) -> None:
        """A batch is over. A long one, as the first may be, is forgotten by and by."""
        now = time.monotonic()
        self.batch, self.last = max(now - self.last, self.batch * 0.9), now

    def late(self, batches: int = 1, validation: bool = False) -> bool:
        """Whether there is no time for so many batches more, and a validation."""
        return time.monotonic() + self.batch * 1.5 * batches + self.validation * validation > self.until


@dataclass
class State:
    """A model's and its optimizer's state, on the CPU, and what they have seen (worker.Weights)."""

    model: Named
    optimizer: Named
    epoch: int
    batch: int = 0
    best: str = ""  # the loss by which the epoch was chosen

    def weights(self) -> dict[str, Any]:
        out: dict[str, Any] = {"epoch": self.epoch}
        if self.batch:
            out["batch"] = self.batch
        if self.best:
            out["best"] = self.best
        return out

    def finite(self) -> bool:
        return all(bool(torch.isfinite(t).all()) for t in self.model.values() if t.is_floating_point())


class Kept:
    """The state of the best epoch, if the result is to hold that, else of the last, as often as copies cost little."""

    def __init__(self, hyper: Hyperparameters):
        self.rule = hyper.early_stopping
        self.best = hyper.keep == "best" or (not hyper.keep and self.rule is not None)
        self.state: State | None = None
        self.lowest, self.waited = math.inf, 0
        self.begun, self.spent = time.monotonic(), 0.0

    def monitored(self, loss: float, validation: float | None) -> tuple[str, float]:
        """The name and the value of the loss that has to fall."""
        if self.rule is not None and self.rule.monitor == "val_loss" and validation is None:
            raise JobError(
                "InvalidRequest", "there is no validation; give validation_data or validation_split", "hyperparameters.early_stopping.monitor"
            )
        if validation is None or (self.rule is not None and self.rule.monitor == "loss"):
            return "loss", loss
        return "val_loss", validation

    def note(self, name: str, value: float, end: bool, take: Any) -> str:
        """Looks at an epoch that is over, end if it was the last; take() is the state. Why training ends, if it is to."""
        better = value < self.lowest - (self.rule.min_delta if self.rule else 0.0)
        if better:
            self.lowest, self.waited = value, 0
        if self.best and better:
            self._keep(take(), name)
        elif not self.best and not end and self.spent <= FREE + SHARE * (time.monotonic() - self.begun):
            begun = time.monotonic()
            self._keep(take(), "")
            self.spent += time.monotonic() - begun
        if self.rule is None or better:
            return ""
        self.waited += 1
        if self.waited < self.rule.patience or end:
            return ""
        return f"early stopping: {name} has not fallen for {self.waited} epochs; {self._words()}"

    def _keep(self, state: State, name: str) -> None:
        if state.finite():
            state.best = name
            self.state = state

    def _words(self) -> str:
        if not self.best:
            return "the last state is kept"
        return f"the state of epoch {self.state.epoch} is kept" if self.state else "there was no finite value"
