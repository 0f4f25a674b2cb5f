"""The layer types: which class each is, what it infers from its input, how its parameters are read.

Names, parameters, ranges and defaults are the contract's (contract.json). A parameter has the name of the PyTorch
argument, a type the class that the contract names; our own class of that name (modules) goes before PyTorch's.
Layers that hold layers (residual, branches) are in models.py.

    TABLE[name] = Kind(class, rank, row)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from . import modules
from .contract import LAYERS, Layer, Parameter
from .fields import Fields
from .wire import invalid, shown


@dataclass(frozen=True)
class Kind:
    """rank is the number of dimensions that the input must have behind the batch (a convolution given fewer would take
    the batch for channels), None for any."""

    make: Callable[..., nn.Module]
    rank: tuple[int, ...] | None
    row: Layer

    @property
    def infers(self) -> bool:
        return any(p.inferable for p in self.row.params.values())


# Types that correspond to no class of torch.nn.
OURS: dict[str, Callable[..., nn.Module]] = {"reshape": modules.Reshape, "permute": modules.Permute, "mean": modules.Mean}

# Layers that hold layers: models.py builds them.
CONTAINERS = ("residual", "branches")

# Ranks that do not follow from the dimensions of a window or a norm.
RANKS = {"rnn": (2,), "lstm": (2,), "gru": (2,), "transformer_encoder_layer": (2,), "batchnorm1d": (1, 2)}

# The dimension of the input, the batch being 0, whose size an inferable parameter has.
INFERRED = {
    "in_features": -1,
    "in1_features": -1,
    "in2_features": -1,
    "input_size": -1,
    "d_model": -1,
    "normalized_shape": -1,
    "in_channels": 1,
    "num_features": 1,
    "num_channels": 1,
}

# Parameters that are a dimension of the input: not the batch, which is 0; negative ones count from the end.
AXES = ("dim", "start_dim", "end_dim")


def _kind(row: Layer) -> Kind:
    make = OURS.get(row.name) or getattr(modules, row.module, None) or getattr(nn, row.module)
    return Kind(make, RANKS.get(row.name, (row.dims + 1,) if row.dims else None), row)


TABLE: dict[str, Kind] = {name: _kind(row) for name, row in LAYERS.items() if name not in CONTAINERS}


def read(f: Fields, kind: Kind, shape: tuple[Any, ...], label: str, before: str) -> tuple[Any, ...]:
    """The arguments of a layer's class from its JSON, and those among them that were inferred.

    shape is the input's with the batch; before says who gives it ("layer 2 (relu) gives [8]").
    """
    args, found = {}, {}
    for name, p in kind.row.params.items():
        value = parameter(f, kind.row, name, label)
        if p.inferable:
            size = shape[INFERRED[name]]
            if value is None:
                value = found[name] = [size] if p.type == "ints" else size
            elif p.type == "int" and value != size:
                raise invalid(f.at(name), f"{label}: {name} {value}, but {before}")
        if name in AXES and not (0 < value < len(shape) or -len(shape) < value < 0):
            raise invalid(f.at(name), f"{label}: {name} {value} is not a dimension of {list(shape[1:])} behind the batch; {before}")
        if value is not None:
            args[name] = value
    return args, found


def parameter(f: Fields, row: Layer, name: str, label: str) -> Any:
    """One parameter of a layer, or its default; None if it has none."""
    p = row.params[name]
    key = p.alias if p.alias and f.has(p.alias) else name
    if key != name and f.has(name):
        raise invalid(f.at(p.alias), f"{label}: {name} and {p.alias} are the same; both are given")
    if p.alias:
        f.known.append(p.alias)
    value = _value(f, key, p, row.dims)
    if value is None and p.required:
        raise invalid(f.at(name), f"{label}: {name} is missing")
    return p.default if value is None else value


def _value(f: Fields, name: str, p: Parameter, dims: int) -> Any:
    """The value that is given, None if none is."""
    if not f.has(name):
        return f.raw(name)
    if p.type == "int":
        return f.integer(name, None, p.range["low"], p.range["high"])
    if p.type == "float":
        return f.num(name, None, p.range["low"], p.range["high"], p.range.get("open_low", False))
    if p.type == "bool":
        return f.bool(name)
    if p.type == "text":
        return f.text(name, choices=p.words)
    return _integers(f, name, p, dims)


def _integers(f: Fields, name: str, p: Parameter, dims: int) -> Any:
    """A word, or a list of integers: one for each dimension of a window, or as many as there are."""
    value = f.raw(name)
    if isinstance(value, str) and value in p.words:
        return value
    numbers = value if isinstance(value, list) else [value]
    if dims and len(numbers) not in (1, dims):
        raise invalid(f.at(name), f"{name} has {len(numbers)} numbers, wants 1 or {dims}")
    if not 0 < len(numbers) <= 16:
        raise invalid(f.at(name), f"{name} has {len(numbers)} numbers, wants 1 to 16")
    numbers = [int(n) if isinstance(n, float) and n.is_integer() else n for n in numbers]
    for n in numbers:
        if isinstance(n, bool) or not isinstance(n, int) or not p.range["low"] <= n <= p.range["high"]:
            words = " or " + ", ".join(p.words) if p.words else ""
            raise invalid(f.at(name), f"is {shown(n)}, wants an integer of at least {p.range['low']}{words}")
    if not dims:
        return numbers
    return tuple(numbers) if len(numbers) == dims else tuple(numbers) * dims
