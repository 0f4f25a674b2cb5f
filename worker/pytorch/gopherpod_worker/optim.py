"""Optimizers, learning rates, and their state as tensors.

An optimizer's state travels under "step" (batches done) and
"<parameter>.<slot>", for instance "0.weight.exp_avg"; the state of a plateau
schedule under "scheduler.<slot>". With it, a training continues instead of
restarting.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from . import source
from .wire import Hyperparameters, invalid


def make(hyper: Hyperparameters, model: torch.nn.Module, capturable: bool = False) -> torch.optim.Optimizer:
    """Returns the optimizer of a model's parameters, with fused kernels if the GPU and this PyTorch have them."""
    params = [p for p in model.parameters() if p.requires_grad]
    if not params:
        raise invalid("model_config", "the model has nothing to train")
    own = source.of(model)
    if own.configure_optimizer is not None:
        return own.optimizer(model)
    lr: Any = hyper.learning_rate
    decay, name = hyper.weight_decay, hyper.optimizer
    if name == "lbfgs":
        return torch.optim.LBFGS(params, lr=lr, max_iter=hyper.max_iter)
    cuda = params[0].is_cuda
    if capturable:
        lr = torch.tensor(float(lr), device=params[0].device)
    new = int(torch.__version__.split(".")[0]) >= 2
    fused: dict[str, Any] = {"fused": True} if cuda and new and name in ("adam", "adamw", "sgd") else {}
    if capturable and name in ("adam", "adamw"):
        fused["capturable"] = True
    if name in ("adam", "adamw", "nadam"):
        cls: Any = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "nadam": torch.optim.NAdam}[name]
        return cls(params, lr=lr, betas=hyper.betas, eps=hyper.eps, weight_decay=decay, **fused)
    if name == "sgd":
        return torch.optim.SGD(
            params, lr=lr, momentum=hyper.momentum, dampening=hyper.dampening, weight_decay=decay, nesterov=hyper.nesterov, **fused
        )
    if name == "rmsprop":
        return torch.optim.RMSprop(params, lr=lr, alpha=hyper.alpha, eps=hyper.eps, weight_decay=decay, momentum=hyper.momentum)
    return torch.optim.Adagrad(params, lr=lr, eps=hyper.eps, weight_decay=decay)


def _names(model: torch.nn.Module) -> dict[torch.Tensor, str]:
    return {p: name for name, p in model.named_parameters() if p.requires_grad}


def state(optimizer: torch.optim.Optimizer, model: torch.nn.Module, step: int) -> dict[str, Any]:
    """Returns name -> tensor on the CPU. LBFGS has its curvature under "lbfgs.<slot>" and "lbfgs.<slot>.<i>"."""
    out = {"step": torch.tensor(step, dtype=torch.int64)}
    if isinstance(optimizer, torch.optim.LBFGS):
        for slot, v in sorted(optimizer.state[optimizer.param_groups[0]["params"][0]].items()):
            if slot == "al":
                continue  # scratch memory, not state
            for name, t in [(f"lbfgs.{slot}.{i}", t) for i, t in enumerate(v)] if isinstance(v, list) else [(f"lbfgs.{slot}", v)]:
                if t is not None:
                    out[name] = _scalar(t)
        return out
    for p, name in _names(model).items():
        for slot, v in optimizer.state.get(p, {}).items():
            if slot != "step" and v is not None:
                out[f"{name}.{slot}"] = _scalar(v)
    return out


def _scalar(v: Any) -> torch.Tensor:
    if isinstance(v, torch.Tensor):
        return v.detach().to("cpu", copy=True)
    return torch.tensor(v, dtype=torch.int64 if isinstance(v, int) else torch.float64)


_SLOTS = {
    "adam": {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
    "adamw": {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
    "nadam": {"exp_avg", "exp_avg_sq", "mu_product"},
    "sgd": {"momentum_buffer"},
    "rmsprop": {"square_avg", "momentum_buffer", "grad_avg"},
    "adagrad": {"sum"},
}


def load(optimizer: torch.optim.Optimizer, model: torch.nn.Module, tensors: dict[str, Any], hyper: Hyperparameters, path: str = "optimizer_state") -> int:
    """Restores a state and returns the number of batches done. A state of another model or optimizer is refused."""
    tensors = dict(tensors)
    count = tensors.pop("step", None)
    if count is None or count.numel() != 1 or not 0 <= float(count) < 1 << 53:
        raise invalid(path + ".step", "is missing: it is the number of batches done")
    step = int(count)
    for name in [n for n in tensors if n.startswith("scheduler.")]:
        del tensors[name]
    if isinstance(optimizer, torch.optim.LBFGS):
        _load_lbfgs(optimizer, tensors, path)
        return step
    by_name = {name: p for p, name in _names(model).items()}
    states: dict[str, Any] = {}
    own_optimizer = source.of(model).configure_optimizer is not None
    for name, t in tensors.items():
        owner, _, slot = name.rpartition(".")
        if owner not in by_name:
            raise invalid(f"{path}.{name}", "belongs to no parameter of the model")
        if not own_optimizer and slot not in _SLOTS[hyper.optimizer]:
            raise invalid(f"{path}.{name}", f"{hyper.optimizer} has no such state; it has {', '.join(sorted(_SLOTS[hyper.optimizer]))}")
        p = by_name[owner]
        if t.numel() != 1 and t.shape != p.shape:
            raise invalid(f"{path}.{name}", f"shape {list(t.shape)}, but the parameter has {list(p.shape)}")
        states.setdefault(owner, {})[slot] = t
    for owner, slots in states.items():
        p = by_name[owner]
        own = {slot: _like(p, t) for slot, t in slots.items()}
        if not isinstance(optimizer, torch.optim.SGD):
            on_device = optimizer.param_groups[0].get("capturable") or optimizer.param_groups[0].get("fused")
            own["step"] = torch.tensor(float(step), device=p.device if on_device else "cpu")
        optimizer.state[p] = own
    return step


def _like(p: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Returns a copy of t on the parameter's device and in its memory layout, because fused kernels process both together."""
    dtype = p.dtype if t.is_floating_point() else t.dtype
    if t.shape != p.shape:
        return t.to(p.device, dtype, copy=True)
    return torch.empty_like(p, dtype=dtype, requires_grad=False).copy_(t)


def _load_lbfgs(optimizer: torch.optim.Optimizer, tensors: dict[str, Any], path: str) -> None:
    params: list[torch.Tensor] = optimizer.param_groups[0]["params"]
    own = optimizer.state[params[0]]
    total = sum(p.numel() for p in params)
    for name, t in sorted(tensors.items(), key=lambda kv: [int(w) if w.isdigit() else w for w in kv[0].split(".")]):
        parts = name.split(".")
        if parts[0] != "lbfgs" or len(parts) not in (2, 3) or t.numel() not in (1, total):
            raise invalid(f"{path}.{name}", "lbfgs has no such state")
        if parts[1] == "al":
            continue
        value: Any = t.to(params[0].device)
        if parts[1] in ("func_evals", "n_iter"):
            value = int(t)
        elif t.dtype == torch.float64 and t.numel() == 1:
            value = float(t)
        if len(parts) == 3:
            own.setdefault(parts[1], []).append(value)
        else:
            own[parts[1]] = value
    own["al"] = [None] * optimizer.param_groups[0]["history_size"]


class Rate:
    """The learning rate of each batch (README.md, "How numbers are made")."""

    def __init__(self, hyper: Hyperparameters, start: int, batches: int):
        self.base, self.s, self.batches = hyper.learning_rate, hyper.scheduler, batches
        self.end = start + hyper.epochs
        self.current, self.best, self.bad = self.base, math.inf, 0  # plateau

    def at(self, epoch: int, step: int) -> float:
        """Returns the rate; epoch and step (batches done) are counted from 0 over all continuations."""
        s = self.s
        if s is None:
            return self.base
        if s.type == "step":
            return self.base * s.gamma ** (epoch // s.step_size)
        if s.type == "cosine":
            return s.eta_min + (self.base - s.eta_min) * (1 + math.cos(math.pi * epoch / (s.t_max or self.end))) / 2
        if s.type == "warmup":
            return self.base * min(1.0, (step + 1) / s.steps)
        if s.type == "plateau":
            return self.current
        return self._one_cycle(step, s.max_lr or 10 * self.base)

    def _one_cycle(self, step: int, high: float) -> float:
        total = self.end * self.batches  # a training of one step has the last rate, as in PyTorch
        low, last = high / 25, high / 25 / 1e4
        up = 0.3 * total - 1
        a, b, share = (low, high, step / up if up > 0 else 1.0) if step <= up else (high, last, (step - up) / (total - 1 - up))
        return b + (a - b) / 2 * (1 + math.cos(math.pi * min(share, 1.0)))

    def epoch_done(self, value: float) -> None:
        """Passes the loss of an epoch to the plateau schedule: ReduceLROnPlateau, mode min, relative threshold 1e-4."""
        if self.s is None or self.s.type != "plateau":
            return
        if value < self.best * (1 - 1e-4):
            self.best, self.bad = value, 0
        else:
            self.bad += 1
        if self.bad > self.s.patience:
            self.bad = 0
            if self.current * (1 - self.s.factor) > 1e-8:
                self.current *= self.s.factor

    def state(self) -> dict[str, Any]:
        if self.s is None or self.s.type != "plateau":
            return {}
        values = {"lr": self.current, "best": self.best, "bad_epochs": self.bad}
        return {f"scheduler.{k}": torch.tensor(float(v), dtype=torch.float64) for k, v in values.items()}

    def load(self, tensors: dict[str, Any]) -> None:
        if self.s is not None and self.s.type == "plateau" and "scheduler.lr" in tensors:
            self.current = float(tensors["scheduler.lr"])
            self.best = float(tensors.get("scheduler.best", math.inf))
            self.bad = int(tensors.get("scheduler.bad_epochs", 0))
