"""A model from its specification, and its state.

    build(spec, sample)    an nn.Module, and the specification with all sizes
    inputs                 samples in the form that the model's first layer takes
    load / state           state_dict under PyTorch's names, checked in both directions

Layers are made in the order of the specification, each with PyTorch's default
initialization on the CPU, so that a seed gives the same start everywhere. Before a
layer is made, its twin on the "meta" device gives its size and the shape of its
output without any memory. So a hostile or mistaken size is refused, not allocated.
"""

from __future__ import annotations

import math
import os
from typing import Any

import torch
from torch import nn

from . import layers, source
from .contract import LAYERS, LIMITS, MODELS
from .fields import Fields, json_kind
from .memory import free_memory
from .modules import Branches, Embedding, Graph, Residual, merge
from .wire import JobError, invalid, nearest, shown, unsupported

ALLOW = "GOPHERPOD_ALLOW_CODE"  # the variable by which the operator allows code from requests
MAX_LAYERS, MAX_DEPTH = LIMITS["layers"], LIMITS["depth"]  # depth: how deep layers may hold layers


class Builder:
    """Walks a specification and keeps the shape of the next layer's input (a batch of 2, on the meta device)."""

    def __init__(self, limit: int):
        self.limit, self.bytes, self.count = limit, 0, 0

    def sequence(self, specs: Any, path: str, x: torch.Tensor, depth: int = 0) -> tuple[Any, ...]:
        """Returns (modules, specifications, output) of a list of layers."""
        if not isinstance(specs, list):
            raise invalid(path, f"wants a list, not {json_kind(specs)}")
        if depth > MAX_DEPTH:
            raise invalid(path, f"layers in layers, more than {MAX_DEPTH} deep")
        self.count += len(specs)
        if self.count > MAX_LAYERS:
            raise invalid(path, f"more than {MAX_LAYERS} layers")
        modules, out, before = [], [], f"the data give {list(x.shape[1:])}"
        for i, spec in enumerate(specs):
            at = f"{path}[{i}]"
            f = Fields(spec, at)
            name = f.text("type")
            if not name:
                raise invalid(f.at("type"), "missing")
            label = f"layer {i + 1} ({name})"
            if name in layers.CONTAINERS:
                module, full, x = self.container(name, f, at, x, label, depth)
            elif name in layers.TABLE:
                module, full, x = self.layer(layers.TABLE[name], f, spec, x, label, before)
            else:
                raise invalid(f.at("type"), f"unknown layer {shown(name)}; {nearest(name, LAYERS)}")
            modules.append(module)
            out.append(full)
            before = f"{label} gives {list(x.shape[1:])}"
        return modules, out, x

    def layer(self, kind: layers.Kind, f: Fields, spec: dict[str, Any], x: torch.Tensor, label: str, before: str) -> tuple[Any, ...]:
        rank = x.dim() - 1
        ranks = kind.row.ranks
        if (ranks and rank not in ranks) or (rank == 0 and not ranks and kind.infers):
            wants = " or ".join(str(r) for r in ranks or (1,))
            raise invalid(f.path, f"{label}: wants {wants} dimensions after the batch, but {before}")
        args, found = layers.read(f, kind, tuple(x.shape), label, before)
        f.end()
        try:
            twin = self.twin(kind, args, label, f.path)
            y = self.output(twin, kind, args, x)
            module = kind.make(**args)
        except JobError:
            raise
        except Exception as e:  # PyTorch raises all kinds of exceptions about sizes
            reason = str(e).strip().split("\n")[0][:300]
            raise invalid(f.path, f"{label}: {reason}; {before}") from None
        if y.shape[:1] != x.shape[:1] or 0 in y.shape:
            raise invalid(f.path, f"{label}: does not fit, {before}")
        if isinstance(module, Embedding):
            module.path = f.path
        if math.prod(x.shape[2:]) == 1 and isinstance(module, (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)):
            raise invalid(f.path, f"{label}: one place per channel has no variance; it needs 2 or more, but {before}")
        return module, {**spec, **found}, y

    def twin(self, kind: layers.Kind, args: dict[str, Any], label: str, path: str) -> nn.Module:
        """Returns the layer without memory, after adding up what it would take."""
        try:
            twin = kind.make(**args, device="meta")
        except TypeError:
            twin = kind.make(**args)  # a layer without a state
        self.bytes += 4 * sum(t.numel() for t in (*twin.parameters(), *twin.buffers()))
        if self.bytes > self.limit:
            raise JobError("OutOfMemory", f"{label}: the model takes {self.bytes / 1e9:.3g} GB, {self.limit / 1e9:.3g} GB are free", path)
        return twin.eval()

    def output(self, twin: nn.Module, kind: layers.Kind, args: dict[str, Any], x: torch.Tensor) -> torch.Tensor:
        try:
            with torch.no_grad():
                y = twin(x)
        except NotImplementedError:  # this PyTorch lacks the operation on meta: run it for real, on one small sample
            if x.numel() > 1 << 26:
                raise
            state = torch.get_rng_state()
            with torch.no_grad():
                y = kind.make(**args).eval()(torch.zeros(x.shape))
            torch.set_rng_state(state)
            y = y.to("meta")
        if y.numel() * 4 > self.limit:
            raise RuntimeError(f"its output takes {y.numel() * 2 / 1e9:.3g} GB a sample")
        return y

    def container(self, name: str, f: Fields, at: str, x: torch.Tensor, label: str, depth: int) -> tuple[Any, ...]:
        if name == "residual":
            if not f.has("layers"):
                raise invalid(f.at("layers"), "is missing; residual needs it")
            inner, spec, y = self.sequence(f.raw("layers"), f.at("layers"), x, depth + 1)
            full, around, z = {"type": name, "layers": spec}, [], x
            if f.has("shortcut"):
                around, spec, z = self.sequence(f.raw("shortcut"), f.at("shortcut"), x, depth + 1)
                full["shortcut"] = spec
            f.raw("shortcut")
            f.end()
            if y.shape != z.shape:
                raise invalid(at, f"{label}: its layers give {list(y.shape[1:])}, the way around them {list(z.shape[1:])}; add a shortcut of that shape")
            return Residual(nn.Sequential(*inner), nn.Sequential(*around)), full, y
        forks = f.raw("branches")
        if forks is None:
            raise invalid(f.at("branches"), "is missing; branches needs it")
        if not isinstance(forks, list):
            raise invalid(f.at("branches"), f"wants a list, not {json_kind(forks)}")
        if not forks:
            raise invalid(f.at("branches"), f"{label}: there are no branches")
        how, dim = (layers.parameter(f, LAYERS[name], p, label) for p in ("merge", "dim"))
        f.end()
        modules, specs, outs = [], [], []
        for i, fork in enumerate(forks):
            m, s, y = self.sequence(fork, f"{f.at('branches')}[{i}]", x, depth + 1)
            modules.append(nn.Sequential(*m))
            specs.append(s)
            outs.append(y)
        return Branches(modules, how, dim), {"type": name, "branches": specs, "merge": how, "dim": dim}, self.merged(outs, how, dim, at, label)

    def merged(self, outs: list[Any], how: str, dim: int, at: str, label: str) -> torch.Tensor:
        shapes = [list(y.shape[1:]) for y in outs]
        same = all(y.shape == outs[0].shape for y in outs)
        try:
            if (how != "concat" and not same) or dim == 0:
                raise RuntimeError
            return merge(outs, how, dim)
        except (RuntimeError, IndexError):
            raise invalid(at, f"{label}: {how} does not fit {shapes}") from None

    def graph(self, f: Fields, x: torch.Tensor) -> tuple[Any, ...]:
        nodes, specs, plan, shapes = {}, [], [], {"input": x}
        given = f.raw("nodes")
        if not isinstance(given, list) or not given:
            raise invalid(f.at("nodes"), "want a list of nodes")
        for i, node in enumerate(given):
            n = Fields(node, f"{f.at('nodes')}[{i}]")
            name = n.text("name", limit=64)
            if not name.isidentifier() or name in shapes or hasattr(nn.ModuleDict(), name):
                raise invalid(n.at("name"), f"{shown(name)} is not a name, or is already used")
            inputs = n.raw("inputs", ["input"])
            inputs = inputs if isinstance(inputs, list) else [inputs]
            for name_in in inputs:
                if not isinstance(name_in, str) or name_in not in shapes:
                    raise invalid(n.at("inputs"), f"unknown node {shown(name_in)}; {nearest(str(name_in), shapes)}")
            if not inputs:
                raise invalid(n.at("inputs"), "want at least one input")
            how, dim = n.text("merge", "concat", ("concat", "add", "multiply")), n.integer("dim", 1, -16, 16)
            y = self.merged([shapes[k] for k in inputs], how, dim, n.path, f"node {name}")
            modules, spec, y = self.sequence(n.raw("layers", []), n.at("layers"), y, 1)
            n.end()
            nodes[name], shapes[name] = nn.Sequential(*modules), y
            plan.append((name, tuple(inputs), how, dim))
            specs.append({"name": name, "inputs": inputs, "merge": how, "dim": dim, "layers": spec})
        output = f.text("output", plan[-1][0], [p[0] for p in plan])
        f.end()
        return Graph(nodes, plan, output), {"type": "graph", "nodes": specs, "output": output}, shapes[output]


def build(spec: Any, sample: tuple[Any, ...], seed: int, whole: bool = False, limit: int | None = None) -> tuple[Any, ...]:
    """Returns (model on the CPU, full specification, shape of one output).

    sample is the shape of one sample; whole means that samples are integers. The weights are the default
    initialization after torch.manual_seed(seed). Errors name the layer: model_config.layers[2].in_features.
    """
    f = Fields(spec, "model_config")
    kind = f.text("type", "sequential", MODELS)
    builder = Builder(limit or free_memory() // 2)
    x = torch.empty((2, *sample), device="meta", dtype=torch.int64 if whole and embeds(spec) else torch.float32)
    torch.manual_seed(seed)
    if kind == "python":
        return _code(f, sample, whole)
    if kind == "graph":
        model, full, y = builder.graph(f, x)
        return model, full, tuple(y.shape[1:])
    specs = f.raw("layers")
    f.end()
    if not specs:
        raise invalid("model_config.layers", "want at least one layer")
    modules, full, y = builder.sequence(specs, "model_config.layers", x)
    return nn.Sequential(*modules), {"type": "sequential", "layers": full}, tuple(y.shape[1:])


def embeds(spec: Any) -> bool:
    """Reports whether the first layer takes integers."""
    inner = spec.get("layers") if isinstance(spec, dict) else None
    return isinstance(inner, list) and bool(inner) and isinstance(inner[0], dict) and inner[0].get("type") == "embedding"


def _code(f: Fields, sample: tuple[Any, ...], whole: bool) -> tuple[Any, ...]:
    """Builds {"type": "python", "source", "class", "args"}: any architecture, if the operator has allowed it."""
    text, name, args = f.text("source", limit=source.SIZE), f.text("class", limit=256), f.raw("args", {})
    f.end()
    if not allowed():
        raise unsupported(
            "model_config.type",
            "this endpoint does not run code from requests; gopherpod deploy --allow-code permits it (GOPHERPOD_ALLOW_CODE=1 in its environment)",
        )
    if not text.strip():
        raise invalid("model_config.source", "is missing; want Python that defines a class of nn.Module")
    model, name, shape = source.build(text, name, args, sample, whole)
    return model, {"type": "python", "source": text, "class": name, "args": args}, shape


def allowed() -> bool:
    """Reports whether the operator has allowed code from requests."""
    return os.environ.get(ALLOW) == "1"


def inputs(x: torch.Tensor, model: Any, spec: dict[str, Any], path: str) -> torch.Tensor:
    """Returns samples in the form that the first layer takes: checked integers for an embedding, what came for a source's model,
    floats for anything else."""
    if spec["type"] == "python":
        return x
    if not embeds(model):
        return x.to(torch.float32)
    limit = spec["layers"][0]["num_embeddings"]
    whole = x.to(torch.int64)
    if not bool((whole == x).all()) or int(whole.min()) < 0 or int(whole.max()) >= limit:
        raise invalid(path, f"the embedding wants integers from 0 to {limit - 1}")
    return whole


# State ----------------------------------------------------------------------------


def state(model: nn.Module) -> dict[str, Any]:
    """Returns name -> tensor on the CPU, in PyTorch's order; the tensors never share memory with the model."""
    return {name: t.detach().to("cpu", copy=True) for name, t in model.state_dict().items()}


def load(model: nn.Module, tensors: dict[str, Any], path: str = "model_state") -> None:
    """Copies a state into a model. It must have every name and no other, each in its shape."""
    own = model.state_dict()
    missing, extra = [n for n in own if n not in tensors], [n for n in tensors if n not in own]
    if missing or extra:
        both = (("lacks", missing), ("has besides", extra))
        parts = [f"{word} {', '.join(names[:3])}{' and more' if len(names) > 3 else ''}" for word, names in both if names]
        raise invalid(path, "the state is of another model: it " + " and ".join(parts))
    for name, t in own.items():
        given = tensors[name]
        if given.shape != t.shape:
            raise invalid(f"{path}.{name}", f"shape {list(given.shape)}, but the model has {list(t.shape)}")
        if given.dtype.is_floating_point != t.dtype.is_floating_point:
            raise invalid(f"{path}.{name}", f"{given.dtype} does not go into {t.dtype}")
    with torch.no_grad():
        for name, t in own.items():
            t.copy_(tensors[name])


def smallest_batch(model: nn.Module, sample: tuple[int, ...]) -> tuple[int, str]:
    """Returns how many samples a training batch needs at least, and which layer needs them: 2 if any layer would otherwise
    take the variance of a single number. model is on the CPU; its state does not change."""
    needs = [""]

    def look(module: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        x = args[0]
        if math.prod(x.shape[2:]) != 1:
            return
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            needs[0] = "batch norm"
        elif isinstance(module, nn.GroupNorm) and module.num_groups == module.num_channels:
            needs[0] = "groupnorm"

    norms = [m for m in model.modules() if isinstance(m, (nn.modules.batchnorm._BatchNorm, nn.GroupNorm))]
    if not norms:
        return 1, ""
    hooks = [m.register_forward_pre_hook(look) for m in norms]
    state, training = torch.get_rng_state(), model.training
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(2, *sample))
    except Exception:  # some models refuse a sample of zeros: their batches are checked as they come
        return 1, ""
    finally:
        for h in hooks:
            h.remove()
        model.train(training)
        torch.set_rng_state(state)
    return (2, needs[0]) if needs[0] else (1, "")


def finite(model: nn.Module) -> bool:
    """Reports whether all numbers that a model has learned are finite."""
    return all(bool(torch.isfinite(t).all()) for t in model.state_dict().values() if t.is_floating_point())


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
