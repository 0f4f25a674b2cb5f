"""A model as Python source, and the functions beside it that a training uses.

    build(...)       runs the source and makes the model; only in a process of its own (isolated.py)
    Functions        loss, metrics, augment and configure_optimizer, if the source defines them
    primary          the output that losses by name and predictions use
    told             what an exception means for the author of the source, with the lines of the source

Nothing here checks whether code may run: models.py asks that before it calls build.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from .fields import JobError, invalid, json_kind, nearest, shown

FIELD = "model_config.source"
FILE = "<the body>"  # the file name of the source in tracebacks
NAME = "gopherpod_model"
SIZE = 1 << 20  # characters of a source
HOOKS = {"loss": "outputs, targets", "metrics": "outputs, targets", "augment": "batch, generator", "configure_optimizer": "model"}
INTEGERS = "integers (int64; x.float() makes numbers of them)"
FRAMES = 4  # lines of the source that a message names

Call = Callable[..., Any]


@dataclass(frozen=True)
class Functions:
    """What a source defines beside its model; None for what it does not."""

    loss: Call | None = None
    metrics: Call | None = None
    augment: Call | None = None
    configure_optimizer: Call | None = None

    def mean(self, outputs: Any, targets: torch.Tensor) -> torch.Tensor:
        """Returns the source's loss, which has to be one number that depends on the outputs."""
        assert self.loss is not None
        value = self.loss(outputs, targets)
        if not isinstance(value, torch.Tensor):
            raise invalid(FIELD, f"loss returns a {type(value).__name__}; want a tensor with one number, such as F.mse_loss(outputs, targets)")
        if value.numel() != 1:
            raise invalid(FIELD, f"loss returns a tensor of shape {list(value.shape)}; want one number, such as its .mean()")
        if not value.is_floating_point():
            raise invalid(FIELD, f"loss returns a number of type {value.dtype}; want a floating-point number")
        if torch.is_grad_enabled() and not value.requires_grad:
            raise invalid(FIELD, "loss returns a number that does not depend on the outputs, so there is nothing to learn from; compute it without detach()")
        return value.reshape(())

    def measured(self, outputs: Any, targets: torch.Tensor) -> dict[str, float]:
        """Returns the source's metrics as numbers by name."""
        if self.metrics is None:
            return {}
        with torch.no_grad():
            found = self.metrics(outputs, targets)
        if not isinstance(found, dict):
            raise invalid(FIELD, f'metrics returns a {type(found).__name__}; want a dict of numbers, such as {{"error": x}}')
        return {_metric_name(name): _metric_value(name, value) for name, value in found.items()}

    def augmented(self, x: torch.Tensor, seed: int) -> torch.Tensor:
        """Returns the samples of a training batch as augment changes them. Each batch has a generator of its own, so that a
        training that continues within an epoch draws the same numbers."""
        if self.augment is None:
            return x
        generator = torch.Generator(x.device).manual_seed(seed)
        changed = self.augment(x, generator)
        if not isinstance(changed, torch.Tensor):
            raise invalid(FIELD, f"augment returns a {type(changed).__name__}; want the changed samples as a tensor")
        if changed.shape[:1] != x.shape[:1]:
            raise invalid(FIELD, f"augment returns {len(changed) if changed.dim() else 1} samples of {len(x)}; want as many as it got")
        return changed

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Returns the source's optimizer. Its groups keep their own rates, which a scheduler scales alike."""
        assert self.configure_optimizer is not None
        made = self.configure_optimizer(model)
        if not isinstance(made, torch.optim.Optimizer):
            raise invalid(FIELD, f"configure_optimizer returns a {type(made).__name__}; want a torch.optim.Optimizer")
        known = {id(p) for p in model.parameters()}
        if any(id(p) not in known for group in made.param_groups for p in group["params"]):
            raise invalid(FIELD, "configure_optimizer returns an optimizer of parameters that are not the model's")
        for group in made.param_groups:
            group.setdefault("initial_lr", float(group["lr"]))
        return made


def _metric_name(name: Any) -> str:
    if not isinstance(name, str) or not name or len(name) > 64:
        raise invalid(FIELD, f"metrics names a number {shown(name)}; want a text of 1 to 64 characters")
    return name


def _metric_value(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        what = f"a tensor of shape {list(value.shape)}" if isinstance(value, torch.Tensor) else f"a {type(value).__name__}"
        raise invalid(FIELD, f"metrics gives {name} as {what}; want one number") from None


NONE = Functions()
_ATTRIBUTE = "_gopherpod_functions"


def of(model: nn.Module) -> Functions:
    """Returns the functions that came with a model."""
    found = getattr(model, _ATTRIBUTE, NONE)
    return found if isinstance(found, Functions) else NONE


def build(source: str, name: str, args: Any, sample: tuple[int, ...], whole: bool) -> tuple[nn.Module, str, tuple[int, ...]]:
    """Runs the source. Returns (model, name of what made it, shape of one output)."""
    if not isinstance(args, dict):
        raise invalid("model_config.args", f"wants an object, not {json_kind(args)}")
    scope: dict[str, Any] = {"__name__": NAME, "torch": torch, "nn": nn, "F": F}
    try:
        exec(compile(source, FILE, "exec", dont_inherit=True), scope)
        name, make = _maker(scope, name)
        model = make(**args)
    except Exception as e:
        raise _located(e, source) from None
    if not isinstance(model, nn.Module):
        raise invalid("model_config.class", f"{name} gives a {type(model).__name__}; want an nn.Module")
    object.__setattr__(model, _ATTRIBUTE, _functions(scope))
    return model, name, _output(model, source, sample, whole)


def _maker(scope: dict[str, Any], name: str) -> tuple[str, Call]:
    """Returns what makes the model: what the request names, else the function model, else the last class of modules."""
    classes = {k: v for k, v in scope.items() if isinstance(v, type) and issubclass(v, nn.Module) and v.__module__ == NAME}
    if name:
        if not callable(scope.get(name)):
            raise invalid("model_config.class", f"the source defines no {shown(name)}; {nearest(name, classes)}")
        return name, scope[name]
    if callable(scope.get("model")):
        return "model", scope["model"]
    if not classes:
        raise invalid(FIELD, "it defines no model; want a class that derives from nn.Module, or def model() that returns one")
    last = list(classes)[-1]
    return last, classes[last]


def _functions(scope: dict[str, Any]) -> Functions:
    found = {name: scope[name] for name in HOOKS if name in scope}
    for name, hook in found.items():
        wants = HOOKS[name]
        if not callable(hook):
            raise invalid(FIELD, f"{name} is a {type(hook).__name__}; want a function {name}({wants})")
        try:
            inspect.signature(hook).bind(*wants.split(", "))
        except TypeError:
            raise invalid(FIELD, f"{name}{inspect.signature(hook)}: want {name}({wants})") from None
        except ValueError:
            continue  # a callable without a signature shows its mistake when it is called
    return Functions(**found)


def _output(model: nn.Module, source: str, sample: tuple[int, ...], whole: bool) -> tuple[int, ...]:
    """Returns the shape of one output, from two samples of zeros. Random numbers that they draw do not count."""
    state, training = torch.get_rng_state(), model.training
    try:
        with torch.no_grad():
            out = primary(model.eval()(torch.zeros(2, *sample, dtype=torch.int64 if whole else torch.float32)))
    except Exception as e:
        raise _located(e, source, f"two samples of {list(sample)} {INTEGERS if whole else 'numbers'}") from None
    finally:
        torch.set_rng_state(state)
        model.train(training)
    if out.dim() == 0 or out.shape[0] != 2:
        raise invalid(FIELD, f"forward gives a tensor of shape {list(out.shape)} for 2 samples; want an output for each sample")
    return tuple(out.shape[1:])


def primary(outputs: Any) -> torch.Tensor:
    """Returns the output that stands for a model: its tensor, or the first of several."""
    first = outputs
    while isinstance(first, (tuple, list, dict)) and len(first) > 0:
        first = next(iter(first.values() if isinstance(first, dict) else first))
    if not isinstance(first, torch.Tensor):
        kind = type(outputs).__name__
        what = "None" if outputs is None else f"an empty {kind}" if first is outputs and isinstance(outputs, (tuple, list, dict)) else f"a {kind}"
        raise invalid(FIELD, f"forward returns {what}; want a tensor, or several in a tuple or a dict, the first of which is the prediction")
    return first


def each(outputs: Any, change: Call) -> Any:
    """Returns outputs with each tensor changed; lists become tuples."""
    if isinstance(outputs, torch.Tensor):
        return change(outputs)
    if isinstance(outputs, dict):
        return {k: each(v, change) for k, v in outputs.items()}
    if isinstance(outputs, (tuple, list)):
        return tuple(each(v, change) for v in outputs)
    return outputs


def floats(outputs: Any) -> Any:
    """Returns outputs in float32 if they have fewer bits, as those of a mixed precision have."""
    return each(outputs, lambda t: t.float() if t.dtype in (torch.float16, torch.bfloat16) else t)


def moved(outputs: Any) -> Any:
    """Returns outputs on the CPU, in float32 if they are floats."""
    return each(outputs, lambda t: (t.float() if t.is_floating_point() else t).cpu())


def joined(parts: Iterable[Any]) -> Any:
    """Returns the outputs of several batches as those of one. Of what has no samples, such as a number, the last counts."""
    parts = list(parts)
    first = parts[0]
    if isinstance(first, torch.Tensor):
        return torch.cat(parts) if first.dim() else parts[-1]
    if isinstance(first, dict):
        return {k: joined(p[k] for p in parts) for k in first}
    if isinstance(first, tuple):
        return tuple(joined(p[i] for p in parts) for i in range(len(first)))
    return parts[-1]


# Errors ------------------------------------------------------------------------------


def _located(e: Exception, source: str, given: str = "") -> JobError:
    """Returns the error of a source that runs for the first time."""
    if isinstance(e, JobError):
        return e
    known = told(e, source)
    text = known.message if known else f"{type(e).__name__}: {_first(e)}"
    return invalid(FIELD, text + (f"; the model got {given}" if given else ""))


def told(e: BaseException, source: str) -> JobError | None:
    """Returns an exception that the source raised, or that something raised which the source had called, with the source's
    lines, the innermost first. None if none of its lines took part."""
    if isinstance(e, SyntaxError) and e.filename == FILE:
        return invalid(FIELD, f"line {e.lineno}: {type(e).__name__}: {e.msg}")
    frames = [f for f in traceback.extract_tb(e.__traceback__) if f.filename == FILE]
    if not frames:
        return None
    lines = source.split("\n")

    def place(f: traceback.FrameSummary) -> str:
        text = lines[f.lineno - 1].strip() if f.lineno and f.lineno <= len(lines) else ""
        inside = "" if f.name == "<module>" else f", in {f.name}"
        return f"line {f.lineno}{inside}" + (f", {text[:120]}" if text else "")

    inner = list(reversed(frames))
    called = "".join(f"; called from {place(f)}" for f in inner[1:FRAMES])
    return invalid(FIELD, f"{place(inner[0])}: {type(e).__name__}: {_first(e)}{called}")


def indirect(e: BaseException) -> JobError:
    """Returns an exception that PyTorch raised after the source's code had run, in a backward pass for instance."""
    return invalid(FIELD, f"{type(e).__name__}: {_first(e)}; PyTorch raised it outside of the body's lines, mostly in the backward pass")


def _first(e: BaseException) -> str:
    """Returns the first line of an exception's text."""
    return str(e).strip().split("\n")[0][:300]
