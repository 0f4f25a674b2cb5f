"""The contract's tables, which Go and Python share: contract.json, written by go generate ./worker/contract.

worker/contract/doc.go has the rules that go with the rows. The worker has no tables of its own.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Range:
    """The range of a number. It includes its bounds unless they are open; words describe it."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    words: str = ""

    def contains(self, x: float) -> bool:
        return (x > self.low or (x == self.low and not self.open_low)) and (x < self.high or (x == self.high and not self.open_high))


@dataclass(frozen=True)
class Parameter:
    """A parameter of a layer; the fields have the names of the table's keys."""

    name: str
    type: str
    range: Range = Range()
    default: Any = None
    required: bool = False
    inferred_from: int = 0  # the dimension whose size is the default; 0: none
    axis: bool = False
    values: tuple[str, ...] = ()
    alias: str = ""


@dataclass(frozen=True)
class Layer:
    """A type of layer: its class in torch.nn, the dimensions of its window or norm, those of its input, its parameters."""

    name: str
    module: str = ""
    dims: int = 0
    ranks: tuple[int, ...] = ()
    params: dict[str, Parameter] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A hyperparameter; the fields have the names of the table's keys."""

    name: str
    type: str
    range: Range = Range()
    length: int = 0
    values: tuple[str, ...] = ()
    default: Any = None
    default_by: dict[str, Any] = field(default_factory=dict)
    required: bool = False
    optimizers: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    schedulers: tuple[str, ...] = ()
    above: dict[str, float] = field(default_factory=dict)
    operations: tuple[str, ...] = ()

    def default_for(self, optimizer: str) -> Any:
        return self.default_by.get(optimizer, self.default)


def _known(cls: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Returns the values of a row that are fields of a class."""
    known: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items() if k in cls.__dataclass_fields__}
    if "range" in given:
        known["range"] = Range(**given["range"])
    return known


def _row(given: dict[str, Any]) -> Row:
    return Row(**_known(Row, given))


def _parameter(given: dict[str, Any]) -> Parameter:
    return Parameter(**_known(Parameter, given), inferred_from=given.get("from", 0))


def _layer(given: dict[str, Any]) -> Layer:
    return Layer(**{**_known(Layer, given), "params": {p["name"]: _parameter(p) for p in given["params"]}})


def _names(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(r["name"] for r in rows)


def _mine(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    """Returns the names of the rows that this worker supports."""
    return _names([r for r in rows if "pytorch" in r["workers"]])


TABLE: dict[str, Any] = json.loads((Path(__file__).parent / "contract.json").read_text())
LIMITS: dict[str, int] = TABLE["limits"]
HYPERPARAMETERS: dict[str, Row] = {r["name"]: _row(r) for r in TABLE["hyperparameters"]}
LAYERS: dict[str, Layer] = {r["name"]: _layer(r) for r in TABLE["layers"]}
OPERATIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {o["name"]: (tuple(o["needs"]), tuple(o["allows"])) for o in TABLE["operations"]}
SPARED_OLD: dict[str, tuple[str, ...]] = {o["name"]: tuple(o.get("spared_old", ())) for o in TABLE["operations"]}  # by requests without a protocol
OPTIMIZERS = _names(TABLE["optimizers"])
LOSSES = _names(TABLE["losses"])
TASKS: dict[str, str] = {r["name"]: r["task"] for r in TABLE["losses"]}  # what the labels of a loss are
SCHEDULERS = _names(TABLE["schedulers"])
METRICS: dict[str, dict[str, Any]] = {r["name"]: r for r in TABLE["metrics"]}
FEATURES = _mine(TABLE["features"])
REFUSED: dict[str, str] = TABLE["refused"]  # why something is refused, in a sentence
MODELS = _mine(TABLE["models"])
PRECISIONS = HYPERPARAMETERS["precision"].values


def default(name: str) -> Any:
    """Returns the default of a hyperparameter."""
    return HYPERPARAMETERS[name].default
