"""What the processes of a job agree on: when to stop, and sums over all of them.

    Alone     a process by itself
    Ranks     one of several processes (ddp.py starts them)
    Stopped   what a job raises when it was told to stop
    Flag      what a job looks at after each batch; Never is one that nobody sets
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import torch
import torch.distributed as dist

LOOK = 4  # batches between two looks at the stop flag: a look is a message between all


class Stopped(Exception):
    """The job was cancelled; what there was is saved, and result is it if one process trained."""

    result: dict[str, Any] | None = None


class Flag(Protocol):
    def is_set(self) -> bool: ...


class Never:
    def is_set(self) -> bool:
        return False


class Team(Protocol):
    @property
    def rank(self) -> int: ...
    @property
    def size(self) -> int: ...

    def stopped(self, stop: Flag) -> bool:
        """Reports whether the job is to stop now. Every process calls it after each batch and gets the same answer."""

    def add(self, values: tuple[float, ...]) -> tuple[float, ...]:
        """Sums over the processes, in each of them."""


class Alone:
    rank, size = 0, 1

    def stopped(self, stop: Flag) -> bool:
        return stop.is_set()

    def add(self, values: tuple[float, ...]) -> tuple[float, ...]:
        return values


class Ranks:
    def __init__(self, rank: int, size: int, folder: Path):
        self.rank, self.size, self.flag = rank, size, folder / "stop"
        backend = "nccl" if torch.cuda.is_available() else "gloo"
        if backend == "nccl":
            torch.cuda.set_device(rank)
        dist.init_process_group(backend, init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=size)
        self.control: Any = dist.new_group(backend="gloo")
        self.looks = 0

    def stopped(self, stop: Flag) -> bool:
        self.looks += 1
        if self.looks % LOOK:
            return False
        told = torch.tensor([1.0 if self.rank == 0 and self.flag.exists() else 0.0])
        dist.all_reduce(told, group=self.control)
        return bool(told.item())

    def add(self, values: tuple[float, ...]) -> tuple[float, ...]:
        t = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(t, group=self.control)
        return tuple(t.tolist())
