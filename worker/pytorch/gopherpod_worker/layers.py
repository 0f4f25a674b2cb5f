"""The layer types: which PyTorch class each is, its parameters, what it infers.

The names, parameters and defaults are those of the table in the Go package
worker (kinds_*.go), which tests compare; a parameter has the name of the
PyTorch argument. Layers that hold layers (residual, branches) are in models.py.

    TABLE[name] = Kind(class, rank, parameters)

rank is the number of dimensions that the input must have behind the batch (a
convolution given fewer would take the batch for channels), None for any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from . import modules
from .contract import LIMITS
from .fields import Fields
from .wire import invalid, shown

LARGEST = LIMITS["size"]


@dataclass(frozen=True)
class Param:
    """How a parameter is read: kind is int, axis, float, fraction, bool, word, window or list; dims of a window."""

    kind: str
    default: Any = None  # None: required, inferred, or PyTorch's own
    required: bool = False
    infer: Callable[[tuple[int, ...]], Any] | None = None  # from the input's sizes, batch included
    words: tuple[Any, ...] = ()
    low: float = float("-inf")
    high: int = LARGEST
    dims: int = 1
    alias: str = ""
    fixed: bool = False  # an inferred value that the input must agree with


@dataclass(frozen=True)
class Kind:
    make: Callable[..., nn.Module]
    rank: tuple[Any, ...] | None
    params: dict[str, Any]
    halves: str = ""  # a dimension that must be even


def size() -> Param:
    return Param("int", required=True, low=1)


def inferred(axis: int) -> Param:
    return Param("int", infer=lambda shape: shape[axis], low=1, fixed=True)


def integer(default: int | None, low: float = float("-inf")) -> Param:
    return Param("int", default, low=low)


def axis(default: int) -> Param:
    """A dimension of the input, the batch being 0 and not to be had; negative ones count from the end."""
    return Param("axis", default)


def real(default: float, low: float = float("-inf")) -> Param:
    return Param("float", default, low=low)


def fraction(default: float, alias: str = "") -> Param:
    return Param("fraction", default, alias=alias)


def flag(default: bool) -> Param:
    return Param("bool", default)


def word(*words: str) -> Param:
    return Param("word", words[0], words=words)


def window(dims: int, default: int | None = None, low: int = 1, required: bool = False, words: tuple[Any, ...] = ()) -> Param:
    return Param("window", default, required=required, low=low, dims=dims, words=words)


# The table -----------------------------------------------------------------------


def _table() -> dict[str, Any]:
    t = {
        "linear": Kind(nn.Linear, None, {"in_features": inferred(-1), "out_features": size(), "bias": flag(True)}),
        "bilinear": Kind(
            modules.Bilinear, None, {"in1_features": inferred(-1), "in2_features": inferred(-1), "out_features": size(), "bias": flag(True)}
        ),
        "embedding": Kind(modules.Embedding, None, {"num_embeddings": size(), "embedding_dim": size(), "padding_idx": integer(None)}),
        "layernorm": Kind(
            nn.LayerNorm,
            None,
            {"normalized_shape": Param("list", infer=lambda s: [s[-1]], low=1), "eps": real(1e-5, 0), "elementwise_affine": flag(True)},
        ),
        "groupnorm": Kind(
            nn.GroupNorm, None, {"num_groups": size(), "num_channels": inferred(1), "eps": real(1e-5, 0), "affine": flag(True)}
        ),
        "transformer_encoder_layer": Kind(
            modules.TransformerEncoderLayer,
            (2,),
            {
                "d_model": inferred(-1),
                "nhead": size(),
                "dim_feedforward": integer(2048, 1),
                "dropout": fraction(0.1),
                "activation": word("relu", "gelu"),
                "layer_norm_eps": real(1e-5, 0),
                "norm_first": flag(False),
            },
        ),
        "flatten": Kind(nn.Flatten, None, {"start_dim": axis(1), "end_dim": axis(-1)}),
        "reshape": Kind(modules.Reshape, None, {"shape": Param("list", required=True, low=-1)}),
        "permute": Kind(modules.Permute, None, {"dims": Param("list", required=True, low=1)}),
        "mean": Kind(modules.Mean, None, {"dim": axis(1)}),
    }
    for d in (1, 2, 3):
        conv = {
            "in_channels": inferred(1),
            "out_channels": size(),
            "kernel_size": window(d, required=True),
            "stride": window(d, 1),
            "padding": window(d, 0, 0, words=("same", "valid")),
            "dilation": window(d, 1),
            "groups": integer(1, 1),
            "bias": flag(True),
        }
        t[f"conv{d}d"] = Kind(getattr(nn, f"Conv{d}d"), (d + 1,), conv)
        t[f"conv_transpose{d}d"] = Kind(
            getattr(nn, f"ConvTranspose{d}d"), (d + 1,), {**conv, "padding": window(d, 0, 0), "output_padding": window(d, 0, 0)}
        )
        pool = {"kernel_size": window(d, required=True), "stride": window(d), "padding": window(d, 0, 0)}
        ceil = {"ceil_mode": flag(False)}
        t[f"maxpool{d}d"] = Kind(getattr(nn, f"MaxPool{d}d"), (d + 1,), {**pool, "dilation": window(d, 1), **ceil})
        t[f"avgpool{d}d"] = Kind(getattr(nn, f"AvgPool{d}d"), (d + 1,), {**pool, **ceil, "count_include_pad": flag(True)})
        for name, cls in (("avg", "Avg"), ("max", "Max")):
            t[f"adaptive_{name}pool{d}d"] = Kind(
                getattr(nn, f"Adaptive{cls}Pool{d}d"), (d + 1,), {"output_size": window(d, required=True)}
            )
        norm = {"num_features": inferred(1), "eps": real(1e-5, 0), "momentum": fraction(0.1)}
        t[f"batchnorm{d}d"] = Kind(
            getattr(nn, f"BatchNorm{d}d"), (1, 2) if d == 1 else (d + 1,), {**norm, "affine": flag(True), "track_running_stats": flag(True)}
        )
        t[f"instancenorm{d}d"] = Kind(
            getattr(nn, f"InstanceNorm{d}d"), (d + 1,), {**norm, "affine": flag(False), "track_running_stats": flag(False)}
        )
    # dropout of whole channels takes an input of fewer dimensions for one sample, so the rank matters
    for name, dropout, rank in (
        ("dropout", nn.Dropout, None),
        ("dropout1d", nn.Dropout1d, (2,)),
        ("dropout2d", nn.Dropout2d, (3,)),
        ("dropout3d", nn.Dropout3d, (4,)),
        ("alpha_dropout", nn.AlphaDropout, None),
        ("feature_alpha_dropout", nn.FeatureAlphaDropout, None),
    ):
        t[name] = Kind(dropout, rank, {"p": fraction(0.5, alias="rate")})
    for name, recurrent, more in (
        ("rnn", modules.RNN, {"nonlinearity": word("tanh", "relu")}),
        ("lstm", modules.LSTM, {}),
        ("gru", modules.GRU, {}),
    ):
        t[name] = Kind(
            recurrent,
            (2,),
            {
                "input_size": inferred(-1),
                "hidden_size": size(),
                "num_layers": Param("int", 1, low=1, high=256),  # PyTorch makes them one by one
                "bias": flag(True),
                "dropout": fraction(0.0),
                "bidirectional": flag(False),
                "output": word("last", "sequence"),
                **more,
            },
        )
    dim: dict[str, Param] = {"dim": axis(-1)}
    for name, activation, params in (
        ("relu", nn.ReLU, {}),
        ("relu6", nn.ReLU6, {}),
        ("leaky_relu", nn.LeakyReLU, {"negative_slope": real(0.01)}),
        ("elu", nn.ELU, {"alpha": real(1.0)}),
        ("selu", nn.SELU, {}),
        ("celu", nn.CELU, {"alpha": real(1.0)}),
        ("gelu", nn.GELU, {"approximate": word("none", "tanh")}),
        ("silu", nn.SiLU, {}),
        ("mish", nn.Mish, {}),
        ("sigmoid", nn.Sigmoid, {}),
        ("logsigmoid", nn.LogSigmoid, {}),
        ("hardsigmoid", nn.Hardsigmoid, {}),
        ("tanh", nn.Tanh, {}),
        ("hardtanh", nn.Hardtanh, {"min_val": real(-1.0), "max_val": real(1.0)}),
        ("hardswish", nn.Hardswish, {}),
        ("softplus", nn.Softplus, {"beta": real(1.0), "threshold": real(20.0)}),
        ("softsign", nn.Softsign, {}),
        ("softshrink", nn.Softshrink, {"lambd": real(0.5, 0)}),
        ("hardshrink", nn.Hardshrink, {"lambd": real(0.5, 0)}),
        ("tanhshrink", nn.Tanhshrink, {}),
        ("threshold", nn.Threshold, {"threshold": real(0.0), "value": real(0.0)}),
        ("softmax", nn.Softmax, dim),
        ("softmin", nn.Softmin, dim),
        ("log_softmax", nn.LogSoftmax, dim),
        ("identity", nn.Identity, {}),
        ("prelu", nn.PReLU, {"num_parameters": integer(1, 1), "init": real(0.25)}),
        ("glu", nn.GLU, dim),
    ):
        t[name] = Kind(activation, None, params)
    return t


TABLE = _table()


def read(f: Fields, kind: Kind, shape: tuple[Any, ...], label: str, before: str) -> tuple[Any, ...]:
    """The arguments of a layer's class from its JSON, and those among them that were inferred.

    shape is the input's with the batch; before says who gives it ("layer 2 (relu) gives [8]").
    """
    args, found = {}, {}
    for name, p in kind.params.items():
        key = p.alias if p.alias and f.has(p.alias) else name
        if key != name and f.has(name):
            raise invalid(f.at(p.alias), f"{label}: {name} and {p.alias} are the same; both are given")
        if p.alias:
            f.known.append(p.alias)
        value = _value(f, key, p)
        if value is None and p.infer is not None:
            value = found[name] = p.infer(shape)
        elif value is not None and p.fixed and value != p.infer(shape):
            raise invalid(f.at(name), f"{label}: {name} {value}, but {before}")
        if value is None and p.required:
            raise invalid(f.at(name), f"{label}: {name} is missing")
        if value is None:
            value = p.default
        if p.kind == "axis" and not (0 < value < len(shape) or -len(shape) < value < 0):
            raise invalid(f.at(name), f"{label}: {name} {value} is not a dimension of {list(shape[1:])} behind the batch; {before}")
        if value is not None:
            args[name] = value
    return args, found


def _value(f: Fields, name: str, p: Param) -> Any:
    """One parameter, None where it is absent."""
    low = p.low
    if p.kind in ("int", "axis"):
        return f.integer(name, None, -LARGEST if low == float("-inf") else int(low), p.high)
    if p.kind == "float":
        return f.num(name, None, low)
    if p.kind == "fraction":
        return f.num(name, None, 0.0, 1.0)
    if p.kind == "bool":
        return f.bool(name) if f.has(name) else f.raw(name)
    if p.kind == "word":
        return f.text(name, choices=p.words) if f.has(name) else f.raw(name)
    value = f.raw(name)
    if value is None or (isinstance(value, str) and value in p.words):
        return value
    numbers = value if isinstance(value, list) else [value]
    wanted = len(numbers) in (1, p.dims) if p.kind == "window" else 0 < len(numbers) <= 16
    if not wanted:
        raise invalid(f.at(name), f"{name} has {len(numbers)} numbers, wants 1 or {p.dims}" if p.kind == "window" else f"{name} wants 1 to 16 numbers")
    for n in numbers:
        if isinstance(n, bool) or not isinstance(n, int) or not low <= n <= LARGEST:
            words = " or " + ", ".join(p.words) if p.words else ""
            raise invalid(f.at(name), f"{shown(n)} is not an integer of at least {int(low)}{words}")
    if p.kind == "list":
        return list(numbers)
    return tuple(numbers) if len(numbers) == p.dims else tuple(numbers) * p.dims
