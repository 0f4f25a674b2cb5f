"""A step in one of several processes: each takes its share of the batch, and DistributedDataParallel adds up the gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from .step import Eager, Run


class Together(Eager):
    def __init__(self, run: Run):
        self.team = run.team
        cuda = run.device.cuda
        if cuda and any(isinstance(m, torch.nn.modules.batchnorm._BatchNorm) for m in run.model.modules()):
            run.model = torch.nn.SyncBatchNorm.convert_sync_batchnorm(run.model)
        super().__init__(run)
        self.forward = torch.nn.parallel.DistributedDataParallel(run.model, device_ids=[self.team.rank] if cuda else None)
        self.about += f", {self.team.size} processes"
        self.share, self.whole, self.weight = 0, 0, 0.0  # for the batch: own samples, all samples, this process's part of the mean

    def batches(self, order: torch.Tensor, first: int) -> Iterator[tuple[tuple[torch.Tensor, torch.Tensor, int], torch.Tensor]]:
        """Yields this rank's share of each batch, and the labels of the whole batch."""
        feed, size = self.run.feed, self.run.size
        order = order.to(feed.y.device)
        for i in range(first * size, len(order), size):
            whole = order[i : i + size]
            own = whole[self.team.rank :: self.team.size]
            share = len(own)
            x, y = feed.take(own if share else whole[:1])
            yield (x.to(feed.device, non_blocking=True), y.to(feed.device, non_blocking=True), share), feed.y[whole]

    def step(self, part: tuple[torch.Tensor, torch.Tensor, int], labels: torch.Tensor) -> None:
        x, y, self.share = part
        x = self.functions.augmented(x, self.seed + self.team.rank)
        self.weight = self.loss.norm(y) / max(self.loss.norm(labels), 1e-30) if self.share else 0.0
        self.whole = len(labels)
        self.train(x, y)

    def backward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[Any, torch.Tensor]:
        self.optimizer.zero_grad(set_to_none=True)
        with self.device.autocast():
            out = self.forward(x)
        loss = self.loss.mean(out, y)
        scaled = loss * (self.weight * self.team.size)  # DDP divides by the number of ranks
        (self.scaler.scale(scaled) if self.scaler is not None else scaled).backward()
        return out, loss

    def count(self, out: Any, loss: torch.Tensor, y: torch.Tensor) -> None:
        if not self.share:
            return
        with torch.no_grad():
            self.sums.total.add_(loss, alpha=self.weight * self.whole)
            if self.loss.classifies:
                self.sums.right.add_(self.loss.correct(out, y))
