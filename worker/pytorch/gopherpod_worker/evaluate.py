"""Uses a state: its loss and metrics (evaluate), its outputs (predict).

    measure      loss and hits over a feed; the Trainer validates with it too
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch

from . import device as devices
from . import losses, models, predecessor, source, tensors
from .data import Arrays, Feed
from .team import Alone, Flag, Stopped, Team
from .wire import Emit, Request, number

BATCH = 1024
T = TypeVar("T")

@torch.no_grad()
def measure(
    model: torch.nn.Module, loss: losses.Loss, feed: Feed, device: devices.Device, size: int, keep: bool = False, team: Team | None = None,
    look: Callable[[], None] = lambda: None,
) -> tuple[float, float | None, list[tuple[Any, torch.Tensor]]]:
    """Returns (mean loss over all samples, share of correct ones or None, outputs and labels on the CPU if they are kept).
    look is called before each slice, and may raise."""
    model.eval()
    total: Any = 0.0  # the sums of loss and hits stay on the device until the end
    right: Any = 0.0
    norm = 0.0
    kept: list[tuple[Any, torch.Tensor]] = []
    team = team or Alone()
    for i, (x, y) in enumerate(feed.slices(size)):
        if i % team.size != team.rank:
            continue
        look()
        with device.autocast():
            out = model(x)
        weight = loss.norm(y)
        norm += weight
        if weight:
            total = total + loss.mean(out, y).double() * weight
        if loss.classifies:
            right = right + loss.correct(out, y).double()
        if keep:
            kept.append((source.moved(out), y.cpu()))
    n = feed.samples
    total, norm, right = team.add((float(total), norm, float(right)))
    return total / norm if norm else 0.0, right / n if loss.classifies else None, kept


def ready(request: Request, x: torch.Tensor, path: str) -> tuple[torch.nn.Module, tuple[int, ...], devices.Device, torch.Tensor]:
    """Returns (model with the request's state on its device, shape of one output, device, samples). Only a request of the
    predecessor may have no state."""
    model, spec, shape = models.build(request.model, tuple(x.shape[1:]), request.hyper.seed, not x.is_floating_point())
    if request.model_state:
        models.load(model, tensors.load_state(request.model_state, "model_state"))
    device = devices.choose(request.hyper.precision)
    return device.place(model).eval(), shape, device, models.inputs(x, request.model, spec, path)


def sized(job: Callable[[int], T], size: int) -> T:
    """Returns job(size), and halves the size whenever memory runs out. The batch size of an evaluation changes no result."""
    while True:
        try:
            return job(size)
        except Exception as e:
            if not devices.out_of_memory(e) or size <= 1:
                raise
            devices.forget(e)
            devices.release()
            size //= 2


@torch.no_grad()
def outputs(model: torch.nn.Module, x: torch.Tensor, device: devices.Device, stop: Flag) -> torch.Tensor:
    """Returns the outputs for all samples, on the CPU."""

    def job(size: int) -> torch.Tensor:
        parts = []
        for i in range(0, len(x), size):
            if stop.is_set():
                raise Stopped
            with device.autocast():
                parts.append(source.primary(model(x[i : i + size].to(device.torch))).float().cpu())
        return torch.cat(parts)

    return sized(job, BATCH)


def evaluate(request: Request, arrays: Arrays, emit: Emit, stop: Flag) -> dict[str, Any]:
    d = request.evaluation_data
    assert d is not None  # wire.parse refused the request otherwise
    x = arrays.features(d)
    model, shape, device, x = ready(request, x, d.features.path)
    if d.labels is None:  # of the predecessor, which then predicted
        out = outputs(model, x, device, stop)
        metrics = {"predictions": predecessor.predictions(request, out), "samples_processed": len(x), "device_used": device.name}
        return {"operation": "evaluate", "metrics": metrics, "status": "success"}
    functions = source.of(model)
    loss = losses.Loss(request.hyper, shape, functions)
    y = loss.labels(arrays.labels(d, len(x)), d.labels_path)
    loss.to(device.torch)
    feed = Feed(x, y, device.torch, devices.memory_free(device.torch))
    value, right, kept = sized(lambda size: measure(model, loss, feed, device, size, keep=True), BATCH)
    metrics = {"loss": number(value), "samples_processed": len(x), "device_used": device.name}
    if right is not None:
        metrics["accuracy"] = number(right)
    loss.to("cpu")
    found, y = source.joined(out for out, _ in kept), torch.cat([y for _, y in kept])
    if functions.metrics is not None:
        metrics["custom"] = {k: number(v) for k, v in functions.measured(found, y).items()}
    metrics |= losses.evaluation(loss, source.primary(found), y, request.hyper.top_k)
    return {"operation": "evaluate", "metrics": metrics, "status": "success"}


@torch.no_grad()
def predict(
    request: Request, arrays: Arrays, emit: Emit, stop: Flag, upload: Callable[[torch.Tensor], dict[str, Any] | None] = lambda t: None
) -> dict[str, Any]:
    d = request.input_data
    assert d is not None  # wire.parse refused the request otherwise
    x = arrays.features(d)
    model, _, device, x = ready(request, x, d.features.path)
    out = outputs(model, x, device, stop)
    if uploaded := upload(out):
        return {"operation": "predict", "uploaded": uploaded, "status": "success"}
    if request.protocol:
        return {"operation": "predict", "predictions": {"tensor": "predictions"}, "tensors": tensors.encode({"predictions": out}), "status": "success"}
    return {"operation": "predict", "predictions": predecessor.predictions(request, out), "status": "success"}
