"""The input of a job, read once at the door into frozen dataclasses.

What comes in was written by someone else: a field that is missing, unknown, of
the wrong type or out of range is a JobError that names it; nothing is guessed.
The names are those of the Go package worker (request.go, hyperparameters.go).

    JobError            a failure with a kind, a message for a person, a field
    Fields              reads a JSON object field by field
    Request             the whole input, from parse(input)
    number, chunks      what goes out: finite JSON, pieces under the limit
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Emit = Callable[[dict[str, Any]], None]  # takes an event of a job
PROTOCOL = 1
MAX_CHUNK = 900_000  # bytes of JSON in a stream chunk; RunPod splits above 1 MB (worker/event.go)
MAX_SEED = 1 << 62

OPERATIONS = ("train", "train_epoch", "evaluate", "predict", "gpu_info", "batch", "store", "capabilities", "collect")


class JobError(ValueError):
    """Why a job failed: kind is the decision that the caller can take (worker/errors.go)."""

    def __init__(self, kind: str, message: str, field: str = ""):
        super().__init__(message)
        # what a request holds may stand in both; a name of a megabyte is not repeated
        self.kind, self.message, self.field = kind, message[:1000], field[:300]

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message

    def object(self) -> dict[str, Any]:
        out = {"error_type": self.kind, "error_message": self.message}
        if self.field:
            out["field"] = self.field
        return out

    def json(self) -> str:
        return json.dumps(self.object())


def invalid(field: str, message: str) -> JobError:
    return JobError("InvalidRequest", message, field)


def unsupported(field: str, message: str) -> JobError:
    return JobError("Unsupported", message, field)


def nearest(word: str, known: Iterable[str]) -> str:
    """"; did you mean ...?" or a list of what is known."""
    known = sorted(known)
    close = difflib.get_close_matches(word.lower(), known, n=1)
    return f"did you mean {close[0]!r}?" if close else "known: " + ", ".join(known)


def shown(value: Any) -> str:
    """A foreign value, short enough for a message."""
    try:
        text = json.dumps(value, default=str)
    except (ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


class Fields:
    """A JSON object under a path. Every read takes the field away; end() refuses what is left."""

    def __init__(self, value: Any, path: str):
        if not isinstance(value, dict):
            raise invalid(path, f"an object is expected, not {shown(value)}")
        for key in value:
            if not isinstance(key, str):
                raise invalid(path, f"a key is not a text: {shown(key)}")
        self.path, self.left = path, dict(value)
        self.known: list[str] = []

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def raw(self, name: str, default: Any = None) -> Any:
        """The value as it is; null counts as absent."""
        self.known.append(name)
        value = self.left.pop(name, None)
        return default if value is None else value

    def has(self, name: str) -> bool:
        return self.left.get(name) is not None

    def text(self, name: str, default: str = "", choices: Iterable[str] | None = None, limit: int = 1 << 10) -> str:
        value = self.raw(name, default)
        if not isinstance(value, str):
            raise invalid(self.at(name), f"a text is expected, not {shown(value)}")
        if len(value) > limit:
            raise invalid(self.at(name), f"a text of at most {limit} characters is expected, this has {len(value)}")
        if choices is not None and value not in choices:
            raise invalid(self.at(name), f"unknown value {shown(value)}; {nearest(value, choices)}")
        return value

    def integer(self, name: str, default: Any = None, low: int = 0, high: int = 1 << 31) -> Any:
        value = self.raw(name, default)
        if value is default:
            return default
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise invalid(self.at(name), f"an integer is expected, not {shown(value)}")
        if not low <= value <= high:
            raise invalid(self.at(name), f"{shown(value)} is not in {low}..{high}")
        return value

    def num(self, name: str, default: Any = None, low: float = -math.inf, high: float = math.inf, open_low: bool = False) -> Any:
        value = self.raw(name, default)
        if value is default:
            return default
        return self._number(name, value, low, high, open_low)

    def _number(self, name: str, value: Any, low: float, high: float, open_low: bool = False) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise invalid(self.at(name), f"a number is expected, not {shown(value)}")
        try:
            value = float(value)
        except OverflowError:
            raise invalid(self.at(name), "the number is too large") from None
        if not math.isfinite(value) or not low <= value <= high or (open_low and value == low):
            bounds = f"{'>' if open_low else '>='} {low:g}" + ("" if math.isinf(high) else f" and <= {high:g}")
            raise invalid(self.at(name), f"{value:g} is not {bounds}")
        return value

    def bool(self, name: str, default: bool = False) -> bool:
        value = self.raw(name, default)
        if not isinstance(value, bool):
            raise invalid(self.at(name), f"true or false is expected, not {shown(value)}")
        return value

    def numbers(self, name: str, low: float = -math.inf, high: float = math.inf, limit: int = 1 << 20) -> tuple[Any, ...] | None:
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) > limit:
            raise invalid(self.at(name), f"a list of at most {limit} numbers is expected")
        return tuple(self._number(f"{name}[{i}]", v, low, high) for i, v in enumerate(value))

    def end(self) -> None:
        for name in self.left:
            raise invalid(self.at(name), f"unknown field {shown(name)}; {nearest(name, set(self.known))}")


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
    """An array that came in parts, arrays of uint8 (worker/request.go)."""

    path: str
    sha256: str
    dtype: str
    shape: tuple[Any, ...]
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Source:
    """Where an array that the store lacks can be read from (worker/source.go)."""

    url: str
    bytes: int


@dataclass(frozen=True)
class Upload:
    """Where a result larger than above bytes goes (worker/source.go)."""

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
class Scheduler:
    type: str
    step_size: int = 10
    gamma: float = 0.1
    t_max: int = 0  # 0: start_epoch + epochs
    eta_min: float = 0.0
    max_lr: float = 0.0  # 0: ten times the learning rate
    factor: float = 0.1
    patience: int = 10
    steps: int = 100


@dataclass(frozen=True)
class EarlyStopping:
    patience: int
    min_delta: float = 0.0
    monitor: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """When to save to the store's folder: whichever comes first; 0 means never."""

    epochs: int = 0
    seconds: float = 60.0


@dataclass(frozen=True)
class Hyperparameters:
    optimizer: str = "adam"
    learning_rate: float = 0.001
    loss_function: str = "cross_entropy"
    epochs: int = 1
    batch_size: int = 32  # 0: all samples
    shuffle: bool = True
    seed: int = 0
    validation_split: float = 0.0
    weight_decay: float = 0.0
    momentum: float = 0.0
    nesterov: bool = False
    betas: tuple[Any, ...] = (0.9, 0.999)
    eps: float = 1e-8
    scheduler: Scheduler | None = None
    early_stopping: EarlyStopping | None = None
    precision: str = "auto"
    clip_norm: float = 0.0
    clip_value: float = 0.0
    class_weights: tuple[Any, ...] | None = None
    label_smoothing: float = 0.0
    alpha: float = 0.99  # rmsprop
    delta: float = 1.0  # smooth_l1's beta, huber's delta
    dampening: float = 0.0  # sgd
    max_iter: int = 20  # lbfgs
    top_k: int = 0  # also report top_k_accuracy
    gpus: int = 1  # 0: all
    on_oom: str = "error"  # or "halve": the batch size, until it fits
    accelerate: str = "auto"  # "off", "graph" (CUDA graphs), "compile" (torch.compile)
    checkpoint: Checkpoint = field(default_factory=Checkpoint)


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
    sources: dict[str, Any] = field(default_factory=dict)  # digest -> Source
    upload: Upload | None = None
    requests: tuple[Any, ...] = ()
    have: tuple[Any, ...] = ()  # store: digests that the client asks for
    join: tuple[Any, ...] = ()  # store: arrays that came in parts


OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop", "adagrad", "nadam", "lbfgs")
LOSSES = ("cross_entropy", "mse", "bce_with_logits", "l1", "smooth_l1", "huber", "nll", "kl_div", "cosine")
SCHEDULERS = ("step", "cosine", "one_cycle", "plateau", "warmup")
PRECISIONS = ("auto", "fp32", "tf32", "bf16", "fp16")
CLASS_LOSSES = ("cross_entropy", "nll")

# The fields that each operation needs and may have, besides operation, protocol, run_id and tensors.
_MODEL = ("model_config", "hyperparameters", "model_state")
_FIELDS = {
    "train": (
        ("model_config", "training_data"),
        (*_MODEL, "training_data", "validation_data", "optimizer_state", "start_epoch", "state_delta", "sources", "upload"),
    ),
    "train_epoch": (("model_config", "training_data"), (*_MODEL, "training_data", "optimizer_state", "start_epoch", "state_delta", "sources")),
    "evaluate": (("model_config", "model_state", "evaluation_data"), (*_MODEL, "evaluation_data", "sources")),
    "predict": (("model_config", "model_state", "input_data"), (*_MODEL, "input_data", "sources", "upload")),
    "gpu_info": ((), ()),
    "batch": (("requests",), ("requests",)),
    "store": ((), ("have", "join")),
    "capabilities": ((), ()),
    "collect": ((), ()),
}
_STATE_LIMIT = 1 << 31  # characters of base64; what can be decoded is bounded again in tensors.py


def parse(value: Any, path: str = "") -> Request:
    """The request behind a job's input object."""
    f = Fields(value, path or "input")
    f.path = path
    operation = f.text("operation", choices=OPERATIONS) if f.has("operation") else ""
    f.raw("operation")
    if not operation:
        raise invalid(f.at("operation"), "missing; known: " + ", ".join(OPERATIONS))
    protocol = f.integer("protocol", 0, 0, 1 << 31)
    if protocol not in (0, PROTOCOL):
        raise invalid(f.at("protocol"), f"{protocol} is not spoken here; known: 0 (plain lists), {PROTOCOL}")
    needed, allowed = _FIELDS[operation]
    for name in needed:
        if not f.has(name):
            why = "; an untrained model is not evaluated" if name == "model_state" else ""
            raise invalid(f.at(name), f"{operation} needs it{why}")
    run_id = f.text("run_id", "", limit=128)
    if operation == "collect" and not run_id:
        raise invalid(f.at("run_id"), "collect needs it")
    tensors = f.raw("tensors")
    got = {name: f.raw(name) if name in allowed else None for name in allowed}
    f.end()
    at = f.at
    return Request(
        operation=operation,
        protocol=protocol,
        run_id=run_id,
        tensors=tensors,
        model=got.get("model_config"),
        hyper=_hyper(got.get("hyperparameters") or {}, at("hyperparameters"), operation),
        training_data=_dataset(got.get("training_data"), at("training_data"), labels=True),
        validation_data=_dataset(got.get("validation_data"), at("validation_data"), labels=True),
        evaluation_data=_dataset(got.get("evaluation_data"), at("evaluation_data"), labels=True),
        input_data=_inputs(got.get("input_data"), at("input_data")),
        model_state=_state(got.get("model_state"), at("model_state")),
        optimizer_state=_state(got.get("optimizer_state"), at("optimizer_state")),
        start_epoch=_start(got, at("start_epoch")),
        state_delta=_flag(got.get("state_delta"), at("state_delta")),
        sources=sources(got.get("sources"), at("sources")),
        upload=_upload(got.get("upload"), at("upload")),
        requests=_requests(got.get("requests"), at("requests")),
        have=_digests(got.get("have"), at("have")),
        join=_joins(got.get("join"), at("join")),
    )


def _start(got: dict[str, Any], path: str) -> int:
    value = got.get("start_epoch")
    if value is None:
        return 0
    return Fields({"start_epoch": value}, path.rpartition(".")[0]).integer("start_epoch", 0, 0, 10**9)


def _flag(value: Any, path: str) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise invalid(path, f"true or false is expected, not {shown(value)}")


def _state(value: Any, path: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid(path, f"base64 of safetensors is expected, not {shown(value)}")
    if len(value) > _STATE_LIMIT:
        raise invalid(path, "larger than 2 GiB")
    return value


def sources(value: Any, path: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > 1000:
        raise invalid(path, "an object of at most 1000 digests is expected")
    return {digest(d, path): _source(s, path) for d, s in value.items()}


def _source(value: Any, path: str) -> Source:
    f = Fields(value, path)
    url, size = f.text("url", limit=8192), f.integer("bytes", 0, 0, 1 << 50)
    f.end()
    if not url or size <= 0:
        raise invalid(path, "an address and a length are expected")
    return Source(url, size)


def _upload(value: Any, path: str) -> Upload | None:
    if value is None:
        return None
    f = Fields(value, path)
    out = Upload(f.text("url", limit=8192), f.text("name", limit=200), f.integer("above", 0, 0, 1 << 50))
    f.end()
    for name in ("url", "name"):
        if not getattr(out, name):
            raise invalid(f.at(name), "missing")
    return out


def _requests(value: Any, path: str) -> tuple[Any, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not value:
        raise invalid(path, "a list of requests is expected")
    if len(value) > 1000:
        raise invalid(path, f"at most 1000 requests fit in a batch, not {len(value)}")
    return tuple(value)


def _digests(value: Any, path: str) -> tuple[Any, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > 100_000:
        raise invalid(path, "a list of digests is expected")
    return tuple(digest(v, f"{path}[{i}]") for i, v in enumerate(value))


def _joins(value: Any, path: str) -> tuple[Any, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > 1000:
        raise invalid(path, "a list of arrays in parts is expected")
    return tuple(_join(v, f"{path}[{i}]") for i, v in enumerate(value))


def _join(value: Any, path: str) -> Join:
    f = Fields(value, path)
    sha256, dtype, shape = digest(f.raw("sha256"), path), f.text("dtype", limit=20), f.raw("shape")
    parts = _digests(f.raw("parts"), f.at("parts"))
    f.end()
    if not isinstance(shape, list) or not shape or not all(type(n) is int and 0 < n < 1 << 40 for n in shape):
        raise invalid(f.at("shape"), f"sizes above 0 are expected, not {shown(shape)}")
    if not parts:
        raise invalid(f.at("parts"), "missing")
    return Join(path, sha256, dtype, tuple(shape), parts)


def digest(value: Any, path: str) -> str:
    """64 lower-case hexadecimal digits; nothing else may become a file name."""
    if not isinstance(value, str) or len(value) != 64 or not set(value) <= set("0123456789abcdef"):
        raise invalid(path, f"a SHA-256 digest is 64 lower-case hexadecimal digits, not {shown(value)}")
    return value


def _value(value: Any, path: str) -> Value:
    if isinstance(value, list):
        return Value(path, list=value)
    f = Fields(value, path)
    if len(f.left) != 1:
        raise invalid(path, 'exactly one of {"tensor"}, {"sha256"}, {"url"} or a list is expected')
    tensor, sha, url = f.text("tensor"), f.raw("sha256"), f.text("url", limit=8192)
    f.end()
    return Value(path, tensor=tensor, sha256=digest(sha, path + ".sha256") if sha is not None else "", url=url)


def _dataset(value: Any, path: str, labels: bool) -> Dataset | None:
    if value is None:
        return None
    f = Fields(value, path)
    features, targets = f.raw("features"), f.raw("labels") if labels else None
    f.end()
    if features is None:
        raise invalid(f.at("features"), "missing")
    if labels and targets is None:
        raise invalid(f.at("labels"), "missing")
    return Dataset(path, _value(features, f.at("features")), _value(targets, f.at("labels")) if labels else None)


def _inputs(value: Any, path: str) -> Dataset | None:
    """predict's input: {"features": ...}, or, as the predecessor had it, the rows themselves."""
    if value is None:
        return None
    if isinstance(value, dict) and "features" in value:
        return _dataset(value, path, labels=False)
    return Dataset(path, _value(value, path))


def _hyper(value: Any, path: str, operation: str) -> Hyperparameters:
    f = Fields(value, path)
    optimizer = f.text("optimizer", "", ("", *OPTIMIZERS)) or "adam"
    rates = {"sgd": 0.01, "rmsprop": 0.01, "adagrad": 0.01, "nadam": 0.002, "lbfgs": 1.0}
    betas = f.numbers("betas", 0.0, 1.0, limit=2)
    if betas is not None and (len(betas) != 2 or max(betas) >= 1):
        raise invalid(f.at("betas"), "two numbers, each at least 0 and below 1, are expected")
    hyper = Hyperparameters(
        optimizer=optimizer,
        learning_rate=f.num("learning_rate", 0, 0.0, 1e6) or rates.get(optimizer, 0.001),
        loss_function=f.text("loss_function", "", ("", *LOSSES)) or "cross_entropy",
        epochs=f.integer("epochs", 0, 0, 10**7) or 1,
        batch_size=f.integer("batch_size", 0, 0, 1 << 30) or (0 if operation == "train_epoch" else 32),
        shuffle=f.bool("shuffle", True),
        seed=f.integer("seed", 0, -MAX_SEED, MAX_SEED),
        validation_split=f.num("validation_split", 0.0, 0.0, 1.0),
        weight_decay=f.num("weight_decay", 0, 0.0) or (0.01 if optimizer == "adamw" else 0.0),
        momentum=f.num("momentum", 0.0, 0.0),
        nesterov=f.bool("nesterov"),
        betas=betas or (0.9, 0.999),
        eps=f.num("eps", 0, 0.0) or (1e-10 if optimizer == "adagrad" else 1e-8),
        scheduler=_scheduler(f.raw("scheduler"), f.at("scheduler")),
        early_stopping=_early(f.raw("early_stopping"), f.at("early_stopping")),
        precision=f.text("precision", "", ("", *PRECISIONS)) or "auto",
        clip_norm=f.num("clip_norm", 0.0, 0.0),
        clip_value=f.num("clip_value", 0.0, 0.0),
        class_weights=f.numbers("class_weights", 0.0) or None,
        label_smoothing=f.num("label_smoothing", 0.0, 0.0, 1.0),
        alpha=f.num("alpha", 0, 0.0, 1.0) or 0.99,
        dampening=f.num("dampening", 0.0),
        delta=f.num("delta", 0, 0.0) or 1.0,
        max_iter=f.integer("max_iter", 0, 0, 10**6) or 20,
        top_k=f.integer("top_k", 0, 0, 10**6),
        gpus=_gpus(f),
        on_oom=f.text("on_oom", "error", ("error", "halve")),
        accelerate=f.text("accelerate", "auto", ("auto", "off", "graph", "compile")),
        checkpoint=_checkpoint(f.raw("checkpoint"), f.at("checkpoint")),
    )
    f.end()
    if hyper.nesterov and (hyper.momentum <= 0 or hyper.dampening != 0):
        raise invalid(f.at("nesterov"), "it needs a momentum above 0 and no dampening")
    if hyper.validation_split >= 1:
        raise invalid(f.at("validation_split"), "1 leaves nothing to train on")
    if hyper.class_weights and hyper.loss_function not in CLASS_LOSSES:
        raise invalid(f.at("class_weights"), f"{hyper.loss_function} has no classes")
    if hyper.label_smoothing and hyper.loss_function != "cross_entropy":
        raise invalid(f.at("label_smoothing"), "only cross_entropy has it")
    return hyper


def _gpus(f: Fields) -> int:
    if f.left.get("gpus") == "all":
        f.raw("gpus")
        return 0
    return f.integer("gpus", 1, 1, 64)


def _scheduler(value: Any, path: str) -> Scheduler | None:
    if value is None:
        return None
    f = Fields(value, path)
    if not f.has("type"):
        raise invalid(f.at("type"), "missing; known: " + ", ".join(SCHEDULERS))
    kind = f.text("type", "", SCHEDULERS)
    allowed = {
        "step": ("step_size", "gamma"),
        "cosine": ("t_max", "eta_min"),
        "one_cycle": ("max_lr",),
        "plateau": ("factor", "patience"),
        "warmup": ("steps",),
    }[kind]
    reads: dict[str, Callable[[], Any]] = {
        "step_size": lambda: f.integer("step_size", 0, 0) or 10,
        "gamma": lambda: f.num("gamma", 0, 0.0) or 0.1,
        "t_max": lambda: f.integer("t_max", 0, 0),
        "eta_min": lambda: f.num("eta_min", 0.0, 0.0),
        "max_lr": lambda: f.num("max_lr", 0.0, 0.0),
        "factor": lambda: f.num("factor", 0, 0.0, 1.0) or 0.1,
        "patience": lambda: f.integer("patience", 0, 0) or 10,
        "steps": lambda: f.integer("steps", 0, 0) or 100,
    }
    got = {name: reads[name]() for name in allowed}
    f.end()
    return Scheduler(kind, **got)


def _early(value: Any, path: str) -> EarlyStopping | None:
    if value is None:
        return None
    f = Fields(value, path)
    if not f.has("patience"):
        raise invalid(f.at("patience"), "missing")
    out = EarlyStopping(
        f.integer("patience", 1, 1),
        f.num("min_delta", 0.0, 0.0),
        f.text("monitor", "", ("", "loss", "val_loss")),
    )
    f.end()
    return out


def _checkpoint(value: Any, path: str) -> Checkpoint:
    if value is None:
        return Checkpoint()
    f = Fields(value, path)
    out = Checkpoint(f.integer("epochs", 0, 0), f.num("seconds", 0.0, 0.0))
    f.end()
    return out


# What goes out ---------------------------------------------------------------


def number(x: Any) -> Any:
    """A float as it travels: NaN and the infinities are texts (worker/number.go)."""
    x = float(x)
    if math.isfinite(x):
        return x
    return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"


def clean(value: Any) -> Any:
    """A JSON value with every float made to travel."""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, dict):
        return {k: clean(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(v) for v in value]
    return value


def chunks(name: str, text: str, limit: int = MAX_CHUNK) -> list[Any]:
    """A text that is larger than a chunk as the parts that carry it (worker/event.go, Part)."""
    size = limit - 1000  # the envelope of an event
    count = -(-len(text) // size)
    return [{"name": name, "index": i, "count": count, "data": text[i * size : (i + 1) * size]} for i in range(count)]
