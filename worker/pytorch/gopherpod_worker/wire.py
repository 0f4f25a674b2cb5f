"""The input of a job, read once into frozen dataclasses when it arrives.

The input was written by someone else: a field that is missing, unknown, of
the wrong type or out of range is a JobError that names it; nothing is guessed.
The names are those of the Go package worker (request.go); fields.py reads JSON, hyper.py the hyperparameters.

    Request             the whole input, from parse(input)
    number, chunks      output: finite JSON, pieces below the limit
    finale              the last events of a training
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import hyper
from .contract import LIMITS, OPERATIONS, OPTIMIZERS, SPARED_OLD
from .fields import Fields
from .fields import JobError as JobError
from .fields import invalid as invalid
from .fields import nearest as nearest
from .fields import shown as shown
from .fields import unsupported as unsupported
from .hyper import Checkpoint as Checkpoint
from .hyper import Hyperparameters as Hyperparameters
from .hyper import Scheduler as Scheduler

Emit = Callable[[dict[str, Any]], None]  # takes an event of a job
PROTOCOL = LIMITS["protocol"]
MAX_CHUNK = 900_000  # bytes of JSON in a stream chunk; RunPod splits above 1 MB (worker/event.go)
INLINE = MAX_CHUNK // 3  # characters of a state within the done event, as in worker/collect.go
HISTORY = 750  # epochs within the done event; a longer history is only in the epoch events


# What a request holds -------------------------------------------------------


@dataclass(frozen=True)
class Value:
    """An array in one of four forms (worker/request.go); exactly one is set."""

    path: str
    list: Any = None
    tensor: str = ""
    sha256: str = ""
    url: str = ""


@dataclass(frozen=True)
class Join:
    """An array that came in parts, which are arrays of uint8 (worker/request.go)."""

    path: str
    sha256: str
    dtype: str
    shape: tuple[Any, ...]
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Source:
    """The address of an array that the store lacks (worker/source.go)."""

    url: str
    bytes: int


@dataclass(frozen=True)
class Upload:
    """The address for a result of more than above bytes (worker/source.go)."""

    url: str
    name: str
    above: int = 0


@dataclass(frozen=True)
class Dataset:
    path: str
    features: Value
    labels: Value | None = None

    @property
    def labels_path(self) -> str:
        return self.labels.path if self.labels is not None else f"{self.path}.labels"


@dataclass(frozen=True)
class Request:
    operation: str
    protocol: int = 0
    run_id: str = ""
    tensors: Any = None
    model: Any = None  # JSON; models.build reads it
    hyper: Hyperparameters = field(default_factory=Hyperparameters)
    training_data: Dataset | None = None
    validation_data: Dataset | None = None
    evaluation_data: Dataset | None = None
    input_data: Dataset | None = None
    model_state: str = ""
    optimizer_state: str = ""
    start_epoch: int = 0
    state_delta: bool = False  # the answer may have states as differences to these
    time_limit: float = 0.0  # seconds after which the service stops the job; 0: not known
    sources: dict[str, Any] = field(default_factory=dict)  # digest -> Source
    upload: Upload | None = None
    requests: tuple[Any, ...] = ()
    have: tuple[Any, ...] = ()  # store: digests that the client asks for
    join: tuple[Any, ...] = ()  # store: arrays that came in parts


_STATE_LIMIT = 1 << 31  # characters of base64; tensors.py bounds what is decoded


def parse(value: Any, path: str = "") -> Request:
    """Returns the request in a job's input object."""
    f = Fields(fill_old(value), path or "input")
    f.path = path
    operation = f.text("operation", choices=OPERATIONS) if f.has("operation") else ""
    f.raw("operation")
    if not operation:
        raise invalid(f.at("operation"), "missing; known: " + ", ".join(OPERATIONS))
    protocol = f.integer("protocol", 0, 0, 1 << 31)
    if protocol not in (0, PROTOCOL):
        raise invalid(f.at("protocol"), f"unknown protocol {protocol}; known: 0 (plain lists), {PROTOCOL}")
    needed, allows = OPERATIONS[operation]
    allowed = (*needed, *allows)
    spared = SPARED_OLD[operation] if protocol == 0 else ()
    for name in needed:
        if not f.has(name) and name not in spared:
            why = "; an untrained model cannot be evaluated" if name == "model_state" else ""
            raise invalid(f.at(name), f"{operation} needs it{why}")
    run_id = f.text("run_id", "", limit=LIMITS["run_id"])
    if "run_id" in needed and not run_id:
        raise invalid(f.at("run_id"), f"{operation} needs it")
    tensors = f.raw("tensors")
    got = {name: f.raw(name) for name in allowed if name not in ("run_id", "tensors")}
    f.end()
    at = f.at
    return Request(
        operation=operation,
        protocol=protocol,
        run_id=run_id,
        tensors=tensors,
        model=got.get("model_config"),
        hyper=hyper.parse({} if got.get("hyperparameters") is None else got["hyperparameters"], at("hyperparameters"), operation, protocol),
        training_data=_dataset(got.get("training_data"), at("training_data"), labels=True),
        validation_data=_dataset(got.get("validation_data"), at("validation_data"), labels=True),
        evaluation_data=_dataset(got.get("evaluation_data"), at("evaluation_data"), labels=True, needed="evaluation_data.labels" not in spared),
        input_data=_inputs(got.get("input_data"), at("input_data")),
        model_state=_state(got.get("model_state"), at("model_state")),
        optimizer_state=_state(got.get("optimizer_state"), at("optimizer_state")),
        start_epoch=_start(got, at("start_epoch")),
        state_delta=_flag(got.get("state_delta"), at("state_delta")),
        time_limit=_seconds(got.get("time_limit"), at("time_limit")),
        sources=sources(got.get("sources"), at("sources")),
        upload=_upload(got.get("upload"), at("upload")),
        requests=_requests(got.get("requests"), at("requests")),
        have=_digests(got.get("have"), at("have")),
        join=_joins(got.get("join"), at("join")),
    )


def fill_old(value: Any) -> Any:
    """Returns a request of the predecessor, without a protocol, with the contract's words where it may have others: no operation
    meant train_epoch, and the name of an optimizer could have any case (worker/predecessor.go)."""
    if not isinstance(value, dict) or value.get("protocol"):
        return value
    # a request with neither stays without an operation: the error about that says more
    if value.get("operation") is None and any(value.get(name) is not None for name in ("model_config", "training_data")):
        value = {**value, "operation": "train_epoch"}
    given = value.get("hyperparameters")
    name = given.get("optimizer") if isinstance(given, dict) else None
    if isinstance(name, str) and name.lower() in OPTIMIZERS:  # an unknown name stays as it is, for the error
        value = {**value, "hyperparameters": {**given, "optimizer": name.lower()}}
    return value


def _start(got: dict[str, Any], path: str) -> int:
    value = got.get("start_epoch")
    if value is None:
        return 0
    return Fields({"start_epoch": value}, path.rpartition(".")[0]).integer("start_epoch", 0, 0, LIMITS["start_epoch"])


def _flag(value: Any, path: str) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise invalid(path, f"want true or false, got {shown(value)}")


def _seconds(value: Any, path: str) -> float:
    if value is None:
        return 0.0
    most = LIMITS["time_limit"]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        raise invalid(path, f"want a number of seconds from 0 to {most}, got {shown(value)}")
    return float(value)


def _state(value: Any, path: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid(path, f"want base64 of safetensors, got {shown(value)}")
    if len(value) > _STATE_LIMIT:
        raise invalid(path, "larger than 2 GiB")
    return value


def sources(value: Any, path: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > LIMITS["sources"]:
        raise invalid(path, f"want an object of at most {LIMITS['sources']} digests")
    return {digest(d, path): _source(s, path) for d, s in value.items()}


def _source(value: Any, path: str) -> Source:
    f = Fields(value, path)
    url, size = f.text("url", limit=LIMITS["address"]), f.integer("bytes", 0, 0, 1 << 50)
    f.end()
    if not url or size <= 0:
        raise invalid(path, "want an address and a length")
    return Source(url, size)


def _upload(value: Any, path: str) -> Upload | None:
    if value is None:
        return None
    f = Fields(value, path)
    out = Upload(f.text("url", limit=LIMITS["address"]), f.text("name", limit=LIMITS["object_name"]), f.integer("above", 0, 0, 1 << 50))
    f.end()
    for name in ("url", "name"):
        if not getattr(out, name):
            raise invalid(f.at(name), "missing")
    return out


def _requests(value: Any, path: str) -> tuple[Any, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not value:
        raise invalid(path, "want a list of requests")
    if len(value) > LIMITS["requests"]:
        raise invalid(path, f"at most {LIMITS['requests']} requests fit in a batch, not {len(value)}")
    return tuple(value)


def _digests(value: Any, path: str) -> tuple[Any, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > 100_000:
        raise invalid(path, "want a list of digests")
    return tuple(digest(v, f"{path}[{i}]") for i, v in enumerate(value))


def _joins(value: Any, path: str) -> tuple[Any, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > 1000:
        raise invalid(path, "want a list of arrays in parts")
    return tuple(_join(v, f"{path}[{i}]") for i, v in enumerate(value))


def _join(value: Any, path: str) -> Join:
    f = Fields(value, path)
    sha256, dtype, shape = digest(f.raw("sha256"), path), f.text("dtype", limit=20), f.raw("shape")
    parts = _digests(f.raw("parts"), f.at("parts"))
    f.end()
    if not isinstance(shape, list) or not shape or not all(type(n) is int and 0 < n < 1 << 40 for n in shape):
        raise invalid(f.at("shape"), f"want sizes above 0, got {shown(shape)}")
    if not parts:
        raise invalid(f.at("parts"), "missing")
    return Join(path, sha256, dtype, tuple(shape), parts)


def digest(value: Any, path: str) -> str:
    """Returns a digest of 64 lower-case hexadecimal digits; nothing else may become a file name."""
    if not isinstance(value, str) or len(value) != 64 or not set(value) <= set("0123456789abcdef"):
        raise invalid(path, f"want a SHA-256 digest of 64 lower-case hexadecimal digits, got {shown(value)}")
    return value


def _value(value: Any, path: str) -> Value:
    if isinstance(value, list):
        return Value(path, list=value)
    f = Fields(value, path)
    if len(f.left) != 1:
        raise invalid(path, 'want exactly one of {"tensor"}, {"sha256"}, {"url"} or a list')
    tensor, sha, url = f.text("tensor"), f.raw("sha256"), f.text("url", limit=LIMITS["address"])
    f.end()
    return Value(path, tensor=tensor, sha256=digest(sha, path + ".sha256") if sha is not None else "", url=url)


def _dataset(value: Any, path: str, labels: bool, needed: bool = True) -> Dataset | None:
    if value is None:
        return None
    f = Fields(value, path)
    features, targets = f.raw("features"), f.raw("labels") if labels else None
    f.end()
    if features is None:
        raise invalid(f.at("features"), "missing")
    if labels and needed and targets is None:
        raise invalid(f.at("labels"), "missing")
    return Dataset(path, _value(features, f.at("features")), None if targets is None else _value(targets, f.at("labels")))


def _inputs(value: Any, path: str) -> Dataset | None:
    """Returns the input of predict: {"features": ...}, or the rows themselves, as with the predecessor."""
    if value is None:
        return None
    if isinstance(value, dict) and "features" in value:
        return _dataset(value, path, labels=False)
    return Dataset(path, _value(value, path))


# What goes out ---------------------------------------------------------------


def number(x: Any) -> Any:
    """Returns a float as it travels: NaN and the infinities are texts (worker/number.go)."""
    x = float(x)
    if math.isfinite(x):
        return x
    return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"


def clean(value: Any) -> Any:
    """Returns a JSON value with every float as it travels."""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, dict):
        return {k: clean(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(v) for v in value]
    return value


def chunks(name: str, text: str, limit: int = MAX_CHUNK) -> list[Any]:
    """Returns the parts that carry a text larger than a chunk (worker/event.go, Part)."""
    size = limit - 1000  # the envelope of an event
    count = -(-len(text) // size)
    return [{"name": name, "index": i, "count": count, "data": text[i * size : (i + 1) * size]} for i in range(count)]


def answered(run_id: str, operation: str, answer: dict[str, Any]) -> list[Any]:
    """Returns the events with which the operation collect gives the answer of a job that did not train (TrainResult.Answer in worker/event.go)."""
    text = base64.b64encode(json.dumps(answer).encode()).decode("ascii")
    result: dict[str, Any] = {"operation": operation, "status": "success", "run_id": run_id}
    pieces = chunks("answer", text) if len(text) > INLINE else []
    result |= {"parts": {"answer": len(pieces)}} if pieces else {"answer": text}
    events = [*({"type": "part", "part": part} for part in pieces), {"type": "done", "result": result}]
    return [{"type": e["type"], "run_id": run_id, "seq": i, **e} for i, e in enumerate(events)]


def finale(result: dict[str, Any]) -> list[Any]:
    """Returns the parts of the states that do not fit in the done event, then the done event (TrainResult.Emit in worker/collect.go)."""
    events, parts = [], {}
    if len(result["history"]) > HISTORY:
        result["history"] = []
    for name in ("model_state", "optimizer_state"):
        if len(result[name]) <= INLINE:
            continue
        pieces = chunks(name, result.pop(name))
        events += [{"type": "part", "part": part} for part in pieces]
        parts[name] = len(pieces)
    if parts:
        result["parts"] = parts
    return [*events, {"type": "done", "result": result}]
