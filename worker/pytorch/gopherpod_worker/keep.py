"""Which weights a training leaves, and when it has to stop.

    Clock     stops a training before its job's time limit (worker.TimeToAnswer)
    Kept      the state of the best epoch, or a recent one in case the training fails
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
SHARE, FREE = 0.02, 0.05  # for copies in case it fails: their share of the training's time, and seconds in addition
Named = dict[str, torch.Tensor]


def time_to_answer(limit: float, states: float) -> float:
    """Returns how many seconds states need to reach the service; states is their size as text, in bytes (worker.TimeToAnswer)."""
    return min(1 + limit / 50 + states / 5_000_000, limit / 2)


class Clock:
    """Reports when there is no time for another batch. A limit of 0 means no limit."""

    def __init__(self, limit: float = 0.0, begun: float | None = None):
        self.limit, self.begun = limit, time.monotonic() if begun is None else begun
        self.batch = self.validation = 0.0  # seconds that they take
        self.last = self.begun
        self.until = math.inf

    def states(self, numbers: int) -> None:
        """Sets the time at which the training has to stop, from how many numbers its states have."""
        if self.limit > 0:
            self.until = self.begun + self.limit - time_to_answer(self.limit, numbers * 4 * 4 / 3)

    def start(self) -> None:
        """Notes the start of a batch that does not follow another one."""
        self.last = time.monotonic()

    def tick(self) -> None:
        """Notes the end of a batch. A long one, such as the first, counts less and less."""
        now = time.monotonic()
        self.batch, self.last = max(now - self.last, self.batch * 0.9), now

    def late(self, batches: int = 1, validation: bool = False) -> bool:
        """Reports whether there is no time left for this many batches, and a validation."""
        return time.monotonic() + self.batch * 1.5 * batches + self.validation * validation > self.until


@dataclass
class State:
    """The state of a model and its optimizer on the CPU, and how far they were trained (worker.Weights)."""

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
    """The state of the best epoch, if the result has to hold that. Otherwise a recent state, copied as often as copies cost little."""

    def __init__(self, hyper: Hyperparameters):
        self.rule = hyper.early_stopping
        self.best = hyper.keep == "best" or (not hyper.keep and self.rule is not None)
        self.state: State | None = None
        self.lowest, self.waited = math.inf, 0
        self.begun, self.spent = time.monotonic(), 0.0

    def monitored(self, loss: float, validation: float | None) -> tuple[str, float]:
        """Returns the name and the value of the loss that has to fall."""
        if self.rule is not None and self.rule.monitor == "val_loss" and validation is None:
            raise JobError(
                "InvalidRequest", "there is no validation; give validation_data or validation_split", "hyperparameters.early_stopping.monitor"
            )
        if validation is None or (self.rule is not None and self.rule.monitor == "loss"):
            return "loss", loss
        return "val_loss", validation

    def note(self, name: str, value: float, end: bool, take: Any) -> str:
        """Records an epoch; end means that it was the last, and take() returns the state. Returns why training has to stop, or ""."""
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
