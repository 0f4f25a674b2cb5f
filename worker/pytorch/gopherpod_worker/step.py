"""How one batch is computed: forward, backward, update, sums of loss and hits.

    Run       what a step needs from its run
    Sums      loss and right samples of an epoch, kept on the device
    Eager     PyTorch's ordinary way, on every device
    graph.py has the way with a CUDA graph, together.py that of several processes.

Within an epoch, the loss is read back only for progress, twice a second.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch

from . import optim, source
from .data import Feed
from .device import Device
from .losses import Loss
from .team import Team
from .wire import Hyperparameters


class Run(Protocol):
    hyper: Hyperparameters
    model: torch.nn.Module
    loss: Loss
    device: Device
    feed: Feed
    team: Team
    size: int  # samples in a batch
    batches: int  # batches in an epoch


class Sums:
    """The sum of the loss over samples, and the number of correct samples; float64, on the device."""

    def __init__(self, device: torch.device):
        self.values = torch.zeros(2, dtype=torch.float64, device=device)
        self.total, self.right = self.values[0], self.values[1]  # views: adding to them needs no indexing

    def read(self) -> tuple[float, float]:
        total, right = self.values.tolist()
        return total, right


class Eager:
    def __init__(self, run: Run, capturable: bool = False):
        self.run: Run = weakref.proxy(run)  # a cycle would keep both, and the GPU's memory, until the garbage collector runs
        self.hyper = run.hyper
        self.model, self.loss, self.device = run.model, run.loss, run.device
        self.optimizer = optim.make(run.hyper, run.model, capturable)
        self.params = [p for p in self.model.parameters() if p.requires_grad]
        self.scaler = _scaler() if self.device.precision == "fp16" else None
        self.functions = source.of(run.model)
        self.seed = run.hyper.seed  # of augment; the trainer sets another for each batch
        self.custom: dict[str, float] = {}  # sums over samples of the source's metrics, in an epoch
        self.measures = False  # whether training batches are measured
        self.sums = Sums(self.device.torch)
        self.lr: float | None = None
        self.about = "data on the device" if run.feed.resident else "data streamed"
        self.forward: Callable[[torch.Tensor], Any] = self.model
        if run.hyper.accelerate == "compile" and hasattr(torch, "compile"):
            self.forward = torch.compile(self.model)
            self.about += ", compiled"

    def begin(self, sums: list[float] | None) -> Sums:
        self.custom = {}
        self.sums.values.copy_(torch.tensor(sums or [0.0, 0.0], dtype=torch.float64))
        return self.sums

    def batches(self, order: torch.Tensor, first: int) -> Iterator[tuple[Any, torch.Tensor]]:
        """Yields the arguments of step for an epoch's batches, beginning with number first; order is a permutation on the CPU."""
        yield from self.run.feed.batches(order[first * self.run.size :], self.run.size)

    def rate(self, lr: float) -> None:
        if lr != self.lr:
            self.lr = lr
            own = self.functions.configure_optimizer is not None and self.hyper.learning_rate > 0
            for group in self.optimizer.param_groups:  # of the source's own optimizer, each has a rate of its own
                group["lr"] = group["initial_lr"] * (lr / self.hyper.learning_rate) if own else lr

    def step(self, x: Any, y: torch.Tensor) -> None:
        self.train(self.functions.augmented(x, self.seed), y)

    def train(self, x: Any, y: torch.Tensor) -> None:
        if isinstance(self.optimizer, torch.optim.LBFGS):
            self._lbfgs(x, y)
            return
        out, loss = self.backward(x, y)
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
        self.clip()
        if self.scaler is not None:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            self.optimizer.step()
        self.count(out, loss, y)

    def backward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[Any, torch.Tensor]:
        self.optimizer.zero_grad(set_to_none=True)
        with self.device.autocast():
            out = self.forward(x)
        loss = self.loss.mean(out, y)
        (self.scaler.scale(loss) if self.scaler is not None else loss).backward()
        return out, loss

    def clip(self) -> None:
        if self.hyper.clip_norm:
            torch.nn.utils.clip_grad_norm_(self.params, self.hyper.clip_norm)
        if self.hyper.clip_value:
            torch.nn.utils.clip_grad_value_(self.params, self.hyper.clip_value)

    def count(self, out: Any, loss: torch.Tensor, y: torch.Tensor) -> None:
        with torch.no_grad():
            self.sums.total.add_(loss, alpha=len(y))
            if self.loss.classifies:
                self.sums.right.add_(self.loss.correct(out, y))
            if self.measures:
                for name, value in self.functions.measured(source.floats(out), y).items():
                    self.custom[name] = self.custom.get(name, 0.0) + value * len(y)

    def _lbfgs(self, x: torch.Tensor, y: torch.Tensor) -> None:
        first: list[tuple[Any, torch.Tensor]] = []

        def closure() -> Any:
            out, loss = self.backward(x, y)
            self.clip()
            if not first:
                first.append((source.each(out, torch.Tensor.detach), loss.detach()))
            return loss

        self.optimizer.step(closure)
        self.count(*first[0], y)


def _scaler() -> Any:
    """Returns the loss scaler of fp16, which PyTorch 2.3 moved."""
    return torch.amp.GradScaler("cuda") if hasattr(torch.amp, "GradScaler") else torch.cuda.amp.GradScaler()
