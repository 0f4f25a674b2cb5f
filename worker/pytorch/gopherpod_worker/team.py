"""What the processes of a job agree on: when to stop, and sums over all of them.

    Alone     a process by itself
    Ranks     one of several processes (ddp.py starts them)
    Stopped   raised by a job that was told to stop
    Late      raised by a job whose time is over
    Flag      checked by a job after each batch; Never is a flag that is never set
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import torch
import torch.distributed as dist

LOOK = 4  # batches between two checks of the stop flag, because a check is a message between all processes


class Stopped(Exception):
    """The job was cancelled."""


class Late(Exception):
    """The job has no time for another batch."""


def _raise(word: float) -> None:
    if word:
        raise Stopped if word == 1 else Late


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

    @property
    def every(self) -> int:
        """The batches between two checks."""

    def look(self, stop: Flag, late: bool) -> None:
        """Raises Stopped or Late if the job has to stop now. Every process calls it after each batch and gets the same answer."""

    def add(self, values: tuple[float, ...]) -> tuple[float, ...]:
        """Returns the sums over the processes, in each of them."""


class Alone:
    rank, size, every = 0, 1, 1

    def look(self, stop: Flag, late: bool) -> None:
        _raise(1 if stop.is_set() else 2 if late else 0)

    def add(self, values: tuple[float, ...]) -> tuple[float, ...]:
        return values


class Ranks:
    every = LOOK

    def __init__(self, rank: int, size: int, folder: Path):
        self.rank, self.size, self.flag = rank, size, folder / "stop"
        backend = "nccl" if torch.cuda.is_available() else "gloo"
        if backend == "nccl":
            torch.cuda.set_device(rank)
        dist.init_process_group(backend, init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=size)
        self.control: Any = dist.new_group(backend="gloo")
        self.looks = 0

    def look(self, stop: Flag, late: bool) -> None:
        self.looks += 1
        if self.looks % LOOK:
            return
        word = 0 if self.rank else 1 if self.flag.exists() else 2 if late else 0
        told = torch.tensor([float(word)])
        dist.all_reduce(told, group=self.control)
        _raise(told.item())

    def add(self, values: tuple[float, ...]) -> tuple[float, ...]:
        t = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(t, group=self.control)
        return tuple(t.tolist())
