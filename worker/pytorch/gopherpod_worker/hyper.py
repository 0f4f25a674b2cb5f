"""The hyperparameters of a request, checked row by row against the contract's table.

A hyperparameter that is not given has its default; an explicit 0 is a value like any other. A value that does not apply to the
optimizer, the loss or the scheduler is refused by name, unless it is the default.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .contract import HYPERPARAMETERS, LIMITS, Row, default
from .fields import Fields, JobError, finite, flag, invalid, json_kind, shown, whole, within, word


@dataclass(frozen=True)
class Scheduler:
    type: str
    step_size: int = default("scheduler.step_size")
    gamma: float = default("scheduler.gamma")
    t_max: int = 0  # 0: start_epoch + epochs
    eta_min: float = default("scheduler.eta_min")
    max_lr: float = 0.0  # 0: ten times the learning rate
    factor: float = default("scheduler.factor")
    patience: int = default("scheduler.patience")
    steps: int = default("scheduler.steps")


@dataclass(frozen=True)
class EarlyStopping:
    patience: int
    min_delta: float = default("early_stopping.min_delta")
    monitor: str = ""  # val_loss if there is validation, else loss


@dataclass(frozen=True)
class Checkpoint:
    """When to save to the store's folder, whichever comes first; 0 means never."""

    epochs: int = default("checkpoint.epochs")
    seconds: float = 60.0  # if the request has none of its fields


@dataclass(frozen=True)
class Hyperparameters:
    optimizer: str = default("optimizer")
    learning_rate: float = default("learning_rate")
    loss_function: str = default("loss_function")
    epochs: int = default("epochs")
    batch_size: int = default("batch_size")  # 0: all samples
    shuffle: bool = default("shuffle")
    drop_last: bool = default("drop_last")
    seed: int = default("seed")
    validation_split: float = default("validation_split")
    weight_decay: float = default("weight_decay")
    momentum: float = default("momentum")
    nesterov: bool = default("nesterov")
    betas: tuple[float, float] = default("betas")
    eps: float = default("eps")
    scheduler: Scheduler | None = None
    early_stopping: EarlyStopping | None = None
    keep: str = ""  # best with early stopping, else last
    precision: str = default("precision")
    clip_norm: float = default("clip_norm")
    clip_value: float = default("clip_value")
    class_weights: tuple[float, ...] | None = None
    label_smoothing: float = default("label_smoothing")
    alpha: float = default("alpha")
    delta: float = default("delta")
    dampening: float = default("dampening")
    max_iter: int = default("max_iter")
    top_k: int = default("top_k")
    gpus: int = default("gpus")  # 0: all
    on_oom: str = default("on_oom")
    accelerate: str = default("accelerate")
    checkpoint: Checkpoint = field(default_factory=Checkpoint)


OBJECTS = ("scheduler", "early_stopping", "checkpoint")
ALL = "all"  # a value of gpus


def parse(value: Any, path: str, operation: str, protocol: int) -> Hyperparameters:
    f = Fields(value, path)
    inner = {name: Fields(v, f.at(name)) for name in OBJECTS if (v := f.raw(name)) is not None}
    given: dict[str, Any] = {}  # the key is the row's name
    for name, row in HYPERPARAMETERS.items():
        outer, _, short = name.rpartition(".")
        at = inner.get(outer) if outer else f
        if at is not None and (v := at.raw(short)) is not None:
            given[name] = _typed(row, v, at.at(short))
    for at in (f, *inner.values()):
        at.end()
    for name, v in given.items():
        row = HYPERPARAMETERS[name]
        if protocol and operation not in row.operations and not _is_default(row, v):
            raise invalid(f.at(name), _not_used(operation, row.operations))
    optimizer = given.get("optimizer", default("optimizer"))
    chosen = {"optimizers": optimizer, "losses": given.get("loss_function", default("loss_function")), "schedulers": given.get("scheduler.type", "")}
    for name, row in HYPERPARAMETERS.items():
        if name in given:
            _in_range(row, given[name], f.at(name))
        elif row.required and name.rpartition(".")[0] in inner:
            raise invalid(f.at(name), "is missing" + (f"; known: {', '.join(row.values)}" if row.values else ""))
    for name, v in given.items():
        _applies(HYPERPARAMETERS[name], v, f.at(name), chosen, protocol)
    for name, row in HYPERPARAMETERS.items():
        least = row.above.get(chosen["losses"])
        if least is not None and name in given and given[name] <= least:
            raise invalid(f.at(name), f"is {shown(given[name])}, {chosen['losses']} wants more than {least:g}")
    hyper = _resolve(given, optimizer, operation, set(inner))
    if hyper.nesterov and (hyper.momentum <= 0 or hyper.dampening != 0):
        raise invalid(f.at("nesterov"), "requires momentum > 0 and no dampening")
    if hyper.class_weights and not any(w > 0 for w in hyper.class_weights):
        raise invalid(f.at("class_weights"), f"are all 0 ({len(hyper.class_weights)} of them): no sample would count")
    return hyper


def _typed(row: Row, v: Any, path: str) -> Any:
    """Returns the value in the row's type."""
    if row.type == "boolean":
        return flag(v, path)
    if row.type == "choice":
        return word(v, path, row.values)
    if row.type == "numbers":
        if not isinstance(v, list):
            raise invalid(path, f"wants a list, not {json_kind(v)}")
        if row.length and len(v) != row.length:
            raise invalid(path, f"has {len(v)} numbers, wants {row.length}")
        if len(v) > LIMITS["list"]:
            raise invalid(path, f"has {len(v)} numbers, wants at most {LIMITS['list']}")
        return tuple(finite(x, f"{path}[{i}]") for i, x in enumerate(v))
    if row.type == "gpus":
        if v == ALL:
            return ALL
        try:
            return within(whole(v, path), path, row.range)
        except JobError:
            raise invalid(path, f'is {shown(v)}, wants {row.range.words}, or "all"') from None
    if row.type == "integer":
        return whole(v, path)
    return finite(v, path)


def _in_range(row: Row, v: Any, path: str) -> None:
    if v == ALL or row.type in ("boolean", "choice"):
        return
    for i, x in enumerate(v if isinstance(v, tuple) else (v,)):
        within(x, f"{path}[{i}]" if isinstance(v, tuple) else path, row.range)


def _applies(row: Row, value: Any, path: str, chosen: dict[str, str], protocol: int) -> None:
    """Refuses a value that changes nothing, unless it is the default or an empty list. In the predecessor's requests, which
    have no protocol, a value that the optimizer does not use is ignored."""
    for kind, name in chosen.items():
        users: tuple[str, ...] = getattr(row, kind)
        if not users or name in users or _is_default(row, value) or (row.optimizers and not protocol):
            continue
        raise invalid(path, _not_used(name or "no scheduler", users))


def _not_used(by: str, users: tuple[str, ...]) -> str:
    if len(users) == 1:
        return f"{by} does not use it; {users[0]} does"
    return f"{by} does not use it; {', '.join(users[:-1])} and {users[-1]} do"


def _is_default(row: Row, value: Any) -> bool:
    """Reports whether a value is the row's default for any optimizer, or an empty list."""
    return value in (row.default, *row.default_by.values(), ())


def _resolve(given: dict[str, Any], optimizer: str, operation: str, objects: set[str]) -> Hyperparameters:
    """Returns the values of a job: the given one, else the default for its optimizer."""
    values = {n: given.get(n, r.default_for(optimizer)) for n, r in HYPERPARAMETERS.items()}

    def of(outer: str) -> dict[str, Any]:
        return {n.removeprefix(outer + "."): v for n, v in values.items() if n.startswith(outer + ".") and v is not None}

    top = {n: v for n, v in values.items() if "." not in n}
    if "batch_size" not in given and operation == "train_epoch":
        top["batch_size"] = 0  # all samples
    if top["gpus"] == ALL:
        top["gpus"] = 0
    top["class_weights"] = top["class_weights"] or None
    top["keep"] = top["keep"] or ""
    return Hyperparameters(
        **top,
        scheduler=Scheduler(**of("scheduler")) if "scheduler" in objects else None,
        early_stopping=EarlyStopping(**of("early_stopping")) if "early_stopping" in objects else None,
        checkpoint=Checkpoint(**of("checkpoint")) if "checkpoint" in objects else Checkpoint(),
    )
