"""The contract's tables, which Go and Python share: contract.json, written by go generate ./worker/contract.

The rules that go with the rows stand in worker/contract/doc.go. This side has no table of its own.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """A parameter of a layer; the names are those of the table's keys."""

    name: str
    type: str
    range: dict[str, Any] = field(default_factory=dict)
    default: Any = None
    required: bool = False
    inferable: bool = False
    words: tuple[str, ...] = ()
    alias: str = ""


@dataclass(frozen=True)
class Layer:
    """A type of layer: the class in torch.nn, the dimensions of its window or norm, its parameters."""

    name: str
    module: str
    dims: int
    params: dict[str, Parameter]


@dataclass(frozen=True)
class Row:
    """A hyperparameter; the names are those of the table's keys."""

    name: str
    type: str
    range: dict[str, Any] = field(default_factory=dict)
    length: int = 0
    values: tuple[str, ...] = ()
    default: Any = None
    default_by: dict[str, Any] = field(default_factory=dict)
    required: bool = False
    optimizers: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    schedulers: tuple[str, ...] = ()
    above: dict[str, float] = field(default_factory=dict)

    def default_for(self, optimizer: str) -> Any:
        return self.default_by.get(optimizer, self.default)

    def contains(self, x: float) -> bool:
        r = self.range
        low, high = r.get("low", -math.inf), r.get("high", math.inf)
        return (x > low or (x == low and not r.get("open_low"))) and (x < high or (x == high and not r.get("open_high")))

    def wants(self) -> str:
        """The range in words."""
        r = self.range
        low = f"{'above' if r.get('open_low') else 'at least'} {r['low']:g}"
        return f"{low} and {'below' if r.get('open_high') else 'at most'} {r['high']:g}"


def _known(cls: Any, given: dict[str, Any]) -> dict[str, Any]:
    """What a row has for the fields of a class."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in given.items() if k in cls.__dataclass_fields__}


def _row(given: dict[str, Any]) -> Row:
    return Row(**_known(Row, given))


def _layer(given: dict[str, Any]) -> Layer:
    params = {p["name"]: Parameter(**_known(Parameter, p)) for p in given["params"]}
    return Layer(given["name"], given.get("module", ""), given.get("dims", 0), params)


def _names(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(r["name"] for r in rows)


TABLE: dict[str, Any] = json.loads((Path(__file__).parent / "contract.json").read_text())
LIMITS: dict[str, int] = TABLE["limits"]
HYPERPARAMETERS: dict[str, Row] = {r["name"]: _row(r) for r in TABLE["hyperparameters"]}
LAYERS: dict[str, Layer] = {r["name"]: _layer(r) for r in TABLE["layers"]}
OPERATIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {o["name"]: (tuple(o["needs"]), tuple(o["allows"])) for o in TABLE["operations"]}
OPTIMIZERS = _names(TABLE["optimizers"])
LOSSES = _names(TABLE["losses"])
CLASS_LOSSES = _names([r for r in TABLE["losses"] if r.get("class_labels")])
SCHEDULERS = _names(TABLE["schedulers"])
PRECISIONS = HYPERPARAMETERS["precision"].values


def default(name: str) -> Any:
    """The default of a hyperparameter."""
    return HYPERPARAMETERS[name].default
