"""Estimates what a job would need on the GPU from two small measured steps, for the advice of an out-of-memory error."""

from __future__ import annotations

from dataclasses import replace

import torch

from . import device as devices
from .data import Arrays
from .team import Never
from .trainer import Trainer
from .wire import Request


def fitting(request: Request, arrays: Arrays, size: int) -> tuple[int, float]:
    """Returns (the largest batch size that would fit, the bytes that the requested size needs); zeros if it cannot tell."""
    if not torch.cuda.is_available() or size < 4:
        return 0, 0
    sizes = max(size // 64, 1), max(size // 32, 2)
    try:
        peaks = [_peak(request, arrays, n) for n in sizes]
        return extrapolated(sizes, peaks, devices.memory_free(torch.device("cuda")), size)
    except Exception:
        return 0, 0
    finally:
        devices.release()


def extrapolated(sizes: tuple[int, int], peaks: list[int], free: int, asked: int) -> tuple[int, float]:
    """Returns (asked, halved until it fits in 95 % of the free memory; the bytes that asked needs), from a line through two steps."""
    each = (peaks[1] - peaks[0]) / (sizes[1] - sizes[0])
    base = peaks[0] - each * sizes[0]
    fits = asked // 2
    while fits and base + each * fits > free * 0.95:
        fits //= 2
    return fits, base + each * asked


def _peak(request: Request, arrays: Arrays, size: int) -> int:
    """Returns the peak memory of one step, in bytes."""
    hyper = replace(request.hyper, batch_size=size, accelerate="off", validation_split=0.0)
    torch.cuda.reset_peak_memory_stats()
    trainer = Trainer(replace(request, hyper=hyper), arrays, lambda event: None, Never())
    trainer.model.train()
    trainer.stepper.step(*next(trainer.stepper.batches(torch.arange(trainer.feed.samples), 0)))
    return int(torch.cuda.max_memory_allocated())
