"""The layer types: which class each is, what it infers from its input, how its parameters are read.

Names, parameters, ranges and defaults come from the contract (contract.json). A parameter has the name of the PyTorch
argument. A type has the class that the contract names, of our own (modules) if there is one, else of PyTorch.
models.py has the layers that hold layers (residual, branches).

    TABLE[name] = Kind(class, row)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from . import modules
from .contract import LAYERS, LIMITS, Layer, Parameter
from .fields import Fields, finite, flag, invalid, whole, within, word


@dataclass(frozen=True)
class Kind:
    """A type of layer: its class and its row."""

    make: Callable[..., nn.Module]
    row: Layer

    @property
    def infers(self) -> bool:
        return any(p.inferred_from for p in self.row.params.values())


# Types without a class in torch.nn.
OURS: dict[str, Callable[..., nn.Module]] = {"reshape": modules.Reshape, "permute": modules.Permute, "mean": modules.Mean}

# Layers that hold layers: models.py builds them.
CONTAINERS = tuple(name for name, row in LAYERS.items() if any(p.type in ("layers", "lists of layers") for p in row.params.values()))

TABLE: dict[str, Kind] = {
    name: Kind(OURS.get(name) or getattr(modules, row.module, None) or getattr(nn, row.module), row) for name, row in LAYERS.items() if name not in CONTAINERS
}


def read(f: Fields, kind: Kind, shape: tuple[Any, ...], label: str, before: str) -> tuple[Any, ...]:
    """Returns the arguments of a layer's class from its JSON, and which of them were inferred.

    shape is the shape of the input, with the batch; before says where it comes from ("layer 2 (relu) gives [8]").
    """
    args, found = {}, {}
    for name, p in kind.row.params.items():
        value = parameter(f, kind.row, name, label)
        if p.inferred_from:
            size = shape[p.inferred_from]
            if value is None:
                value = found[name] = [size] if p.type == "integers" else size
            elif p.type == "integer" and value != size:
                raise invalid(f.at(name), f"{label}: {name} {value}, but {before}")
        if p.axis and not (0 < value < len(shape) or -len(shape) < value < 0):
            raise invalid(f.at(name), f"{label}: {name} {value} is not a dimension of {list(shape[1:])} after the batch; {before}")
        if value is not None:
            args[name] = value
    return args, found


def parameter(f: Fields, row: Layer, name: str, label: str) -> Any:
    """Returns a parameter of a layer, or its default, or None if there is no default."""
    p = row.params[name]
    key = p.alias if p.alias and f.has(p.alias) else name
    if key != name and f.has(name):
        raise invalid(f.at(p.alias), f"{label}: {name} and {p.alias} are the same; give one")
    if p.alias:
        f.raw(p.alias) if key == name else f.raw(name)  # null means not given
    value = f.raw(key)
    if value is not None:
        return _value(value, f.at(key), p, row.dims)
    if p.required:
        raise invalid(f.at(name), f"is missing; {row.name} needs it")
    return p.default


def _value(value: Any, path: str, p: Parameter, dims: int) -> Any:
    if p.type == "integer":
        return within(whole(value, path), path, p.range)
    if p.type == "number":
        return within(finite(value, path), path, p.range)
    if p.type == "boolean":
        return flag(value, path)
    if p.type == "choice":
        return word(value, path, p.values)
    if isinstance(value, list):
        return _integers(value, path, p, dims)
    if isinstance(value, str) and p.values:
        return word(value, path, p.values)
    n = within(whole(value, path), path, p.range)
    return (n,) * dims if dims else [n]


def _integers(value: list[Any], path: str, p: Parameter, dims: int) -> Any:
    """Returns a list of integers: one for each dimension of a window, or any number of them."""
    numbers = [whole(n, f"{path}[{i}]") for i, n in enumerate(value)]
    if dims and len(numbers) not in (1, dims):
        raise invalid(path, f"has {len(numbers)} numbers, wants 1 or {dims}")
    if not 0 < len(numbers) <= LIMITS["numbers"]:
        raise invalid(path, f"has {len(numbers)} numbers, wants 1 to {LIMITS['numbers']}")
    for i, n in enumerate(numbers):
        within(n, f"{path}[{i}]", p.range)
    if not dims:
        return numbers
    return tuple(numbers) if len(numbers) == dims else tuple(numbers) * dims
