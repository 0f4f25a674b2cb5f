"""A step that is recorded once as a CUDA graph and replayed, because small models spend more time on launches than on work.

    Graph           full batches run from the recording
    Guarded         raises NotRecordable if the model cannot be recorded
    graphable       reports whether a recording is correct and worthwhile
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from . import device as devices
from . import models, source
from .step import Eager, Run

PARAMETERS = 20_000_000  # with more, a step is long enough to hide its launches


class Graph(Eager):
    """Full batches run from a recording; the last, smaller batch runs in the ordinary way. Both use the same memory."""

    def __init__(self, run: Run):
        super().__init__(run, capturable=True)
        self.graph: torch.cuda.CUDAGraph | None = None
        self.index = torch.zeros(run.size, dtype=torch.int64, device=self.device.torch)
        self.about += ", CUDA graph"

    def rate(self, lr: float) -> None:
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(lr)
            else:
                group["lr"] = lr

    def batches(self, order: torch.Tensor, first: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yields indices, not samples: the recording gathers the samples itself."""
        order = order.to(self.device.torch)
        for i in range(first * self.run.size, len(order), self.run.size):
            index = order[i : i + self.run.size]
            yield index, index

    def step(self, index: torch.Tensor, _: torch.Tensor) -> None:
        if len(index) < self.run.size:
            super().step(*self.run.feed.take(index))
            return
        self.index.copy_(index)
        if self.graph is None:
            self.graph = self._record()
        self.graph.replay()

    def backward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[Any, torch.Tensor]:
        # gradients keep their memory, because the recording writes to it
        self.optimizer.zero_grad(set_to_none=False)
        with self.device.autocast():
            out = self.model(x)
        loss = self.loss.mean(out, y)
        loss.backward()
        return out, loss

    def _work(self) -> None:
        super().step(*self.run.feed.take(self.index))

    def _record(self) -> torch.cuda.CUDAGraph:
        """Records a step after warm-up steps on a side stream, which recording requires, and restores what these changed."""
        rng, rng_cpu = torch.cuda.get_rng_state(self.device.torch), torch.get_rng_state()
        model = {k: v.clone() for k, v in self.model.state_dict().items()}
        sums, had = self.sums.values.clone(), {p: dict(s) for p, s in self.optimizer.state.items()}
        state = {p: {k: v.clone() for k, v in s.items() if isinstance(v, torch.Tensor)} for p, s in had.items()}
        side = torch.cuda.Stream(self.device.torch)
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self._work()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._work()
        with torch.no_grad():
            for k, v in self.model.state_dict().items():
                v.copy_(model[k])
            self.sums.values.copy_(sums)
            for p, slots in self.optimizer.state.items():
                for k, v in slots.items():
                    if isinstance(v, torch.Tensor):
                        v.copy_(state[p][k]) if k in state.get(p, {}) else v.zero_()
        torch.cuda.set_rng_state(rng, self.device.torch)
        torch.set_rng_state(rng_cpu)
        return graph


def graphable(run: Run) -> bool:
    """Reports whether a recording computes the same as the ordinary way, and is worthwhile."""
    h, v = run.hyper, torch.__version__.split(".")
    known = (int(v[0]), int(v[1])) >= (2, 4) and h.optimizer in ("adam", "adamw", "sgd") and not h.dampening
    return (
        run.device.cuda
        and known
        and run.team.size == 1
        and run.device.precision != "fp16"
        and run.feed.resident
        and run.batches > 1
        and source.of(run.model) == source.NONE  # a recording runs no Python
        and not h.clip_value
        and (h.accelerate == "graph" or models.parameters(run.model) <= PARAMETERS)
    )


class Guarded(Graph):
    """A recording that raises NotRecordable if the model cannot be recorded; the training then begins again without one."""

    def step(self, index: torch.Tensor, y: torch.Tensor) -> None:
        try:
            super().step(index, y)
        except Exception as e:
            if self.graph is not None or len(index) < self.run.size or devices.out_of_memory(e) or devices.broken(e):
                raise
            raise NotRecordable(str(e).split("\n")[0]) from None


class NotRecordable(RuntimeError):
    pass
