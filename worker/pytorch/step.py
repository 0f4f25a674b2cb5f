"""How one batch is computed: forward, backward, update, sums of loss and hits.

    Alone          a process by itself; ddp.py has the team of several GPUs
    Sums           loss and right samples of an epoch, kept on the device
    Eager          PyTorch's ordinary way, on every device
    Graph          the same step recorded once as a CUDA graph and replayed:
                   for small models the launches cost more than the work
    make(trainer)  chooses

The loss is never read back within an epoch, but for progress twice a second.
"""

from __future__ import annotations

import sys
import weakref

import torch

import device as devices
import models
import optim

GRAPH_PARAMETERS = 20_000_000  # above, a step is long enough to hide its launches


class Alone:
    rank, size = 0, 1

    def stopped(self, stop) -> bool:
        return stop.is_set()

    def add(self, values: tuple) -> tuple:
        return values


class Sums:
    """Sum over samples of the loss, and right samples; float64, on the device."""

    def __init__(self, device: torch.device):
        self.values = torch.zeros(2, dtype=torch.float64, device=device)
        self.total, self.right = self.values[0], self.values[1]  # views: adding to them needs no indexing

    def read(self) -> tuple:
        total, right = self.values.tolist()
        return total, right


class Eager:
    def __init__(self, trainer, capturable: bool = False):
        self.t = weakref.proxy(trainer)  # a cycle would keep both, and the GPU's memory, until the collector comes
        self.hyper = trainer.hyper
        self.model, self.loss, self.device = trainer.model, trainer.loss, trainer.device
        self.optimizer = optim.make(trainer.hyper, trainer.model, capturable)
        self.params = [p for p in self.model.parameters() if p.requires_grad]
        self.scaler = _scaler() if self.device.precision == "fp16" else None
        self.sums, self.lr = Sums(self.device.torch), None
        self.about = "data on the device" if trainer.feed.resident else "data streamed"
        self.forward = self.model
        if trainer.hyper.accelerate == "compile" and hasattr(torch, "compile"):
            self.forward = torch.compile(self.model)
            self.about += ", compiled"

    def begin(self, sums) -> Sums:
        self.sums.values.copy_(torch.tensor(sums or [0.0, 0.0], dtype=torch.float64))
        return self.sums

    def batches(self, order: torch.Tensor, first: int):
        yield from self.t.feed.batches(order[first * self.t.size :], self.t.size)

    def rate(self, lr: float) -> None:
        if lr != self.lr:
            self.lr = lr
            for group in self.optimizer.param_groups:
                group["lr"] = lr

    def step(self, x: torch.Tensor, y: torch.Tensor) -> None:
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

    def backward(self, x: torch.Tensor, y: torch.Tensor) -> tuple:
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

    def count(self, out: torch.Tensor, loss: torch.Tensor, y: torch.Tensor) -> None:
        with torch.no_grad():
            self.sums.total.add_(loss, alpha=len(y))
            if self.loss.classifies:
                self.sums.right.add_(self.loss.correct(out, y))

    def _lbfgs(self, x: torch.Tensor, y: torch.Tensor) -> None:
        first = []

        def closure():
            out, loss = self.backward(x, y)
            self.clip()
            if not first:
                first.append((out.detach(), loss.detach()))
            return loss

        self.optimizer.step(closure)
        self.count(*first[0], y)


def _scaler():
    """The loss scaler of fp16; PyTorch 2.3 moved it."""
    return torch.amp.GradScaler("cuda") if hasattr(torch.amp, "GradScaler") else torch.cuda.amp.GradScaler()


class Graph(Eager):
    """Full batches run from a recording; the last, smaller one runs the ordinary way. Both use the same memory."""

    def __init__(self, trainer):
        super().__init__(trainer, capturable=True)
        self.graph = None
        self.index = torch.zeros(trainer.size, dtype=torch.int64, device=self.device.torch)
        self.about += ", CUDA graph"

    def rate(self, lr: float) -> None:
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(lr)
            else:
                group["lr"] = lr

    def batches(self, order: torch.Tensor, first: int):
        """Indices, not samples: the recording gathers them itself."""
        order = order.to(self.device.torch)
        for i in range(first * self.t.size, len(order), self.t.size):
            index = order[i : i + self.t.size]
            yield index, index

    def step(self, index: torch.Tensor, _) -> None:
        if len(index) < self.t.size:
            super().step(*self.t.feed.take(index))
            return
        self.index.copy_(index)
        if self.graph is None:
            self._record()
        self.graph.replay()

    def backward(self, x: torch.Tensor, y: torch.Tensor) -> tuple:
        # gradients keep their place: the recording writes to it
        self.optimizer.zero_grad(set_to_none=False)
        with self.device.autocast():
            out = self.model(x)
        loss = self.loss.mean(out, y)
        loss.backward()
        return out, loss

    def _work(self) -> None:
        super().step(*self.t.feed.take(self.index))

    def _record(self) -> None:
        """Warm-up steps on a side stream, as recording wants them, then the recording; what they changed is put back."""
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
        self.graph = graph


def graphable(trainer) -> bool:
    """Whether a recording computes what the ordinary way does, and is worth its while."""
    h, v = trainer.hyper, torch.__version__.split(".")
    known = (int(v[0]), int(v[1])) >= (2, 4) and h.optimizer in ("adam", "adamw", "sgd") and not h.dampening
    return (
        trainer.device.cuda
        and known
        and trainer.team.size == 1
        and trainer.device.precision != "fp16"
        and trainer.feed.resident
        and trainer.batches > 1
        and not h.clip_value
        and (h.accelerate == "graph" or models.parameters(trainer.model) <= GRAPH_PARAMETERS)
    )


class Guarded(Graph):
    """A recording that may turn out not to be possible for a model; the ordinary way takes over, from where it stood."""

    def step(self, index: torch.Tensor, y: torch.Tensor) -> None:
        try:
            super().step(index, y)
        except Exception as e:
            if self.graph is not None or len(index) < self.t.size or devices.out_of_memory(e) or devices.broken(e):
                raise
            raise NotRecordable(str(e).split("\n")[0]) from None


class NotRecordable(RuntimeError):
    pass


def make(trainer):
    """The way for this job; accelerate: auto, off, graph, compile."""
    if trainer.team.size > 1:
        import ddp

        return ddp.together(sys.modules[__name__])(trainer)
    if trainer.hyper.accelerate in ("auto", "graph") and graphable(trainer):
        return Guarded(trainer)
    return Eager(trainer)


def fitting(request, arrays, size: int) -> tuple:
    """(the largest batch size that would fit, bytes that the size asked for needs), from two small measured steps on the
    GPU; zeros where that cannot be told."""
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


def extrapolated(sizes: tuple, peaks: list, free: int, asked: int) -> tuple:
    """(largest halving of asked that fits in 95 % of what is free, bytes that asked needs), a straight line through two steps."""
    each = (peaks[1] - peaks[0]) / (sizes[1] - sizes[0])
    base = peaks[0] - each * sizes[0]
    fits = asked // 2
    while fits and base + each * fits > free * 0.95:
        fits //= 2
    return fits, base + each * asked


def _peak(request, arrays, size: int) -> int:
    """Bytes at the height of one step."""
    from dataclasses import replace

    import train

    class Never:
        def is_set(self) -> bool:
            return False

    hyper = replace(request.hyper, batch_size=size, accelerate="off", validation_split=0.0)
    torch.cuda.reset_peak_memory_stats()
    trainer = train.Trainer(replace(request, hyper=hyper), arrays, lambda event: None, Never())
    trainer.model.train()
    trainer.stepper.step(*next(trainer.stepper.batches(torch.arange(trainer.feed.samples), 0)))
    return torch.cuda.max_memory_allocated()
