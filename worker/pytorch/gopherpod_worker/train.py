"""A whole train job: its events, its TrainResult, and what happens if memory runs out.

    train          the operation train
    train_epoch    one epoch, the predecessor's operation
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from . import device as devices
from . import fitting
from .data import Arrays
from .graph import NotRecordable
from .keep import Clock
from .runs import Memory
from .team import Flag
from .trainer import Trainer
from .wire import Emit, Request


def train(
    request: Request, arrays: Arrays, emit: Emit, stop: Flag, memory: Memory | None = None, begun: float | None = None
) -> dict[str, Any]:
    """Returns the TrainResult of a train job; begun is when the job began. With on_oom "halve", a batch that does not fit is
    halved until it does. A training that ends too soon leaves its result in the memory."""
    while True:
        trainer = None
        try:
            trainer = Trainer(request, arrays, emit, stop, memory, clock=Clock(request.time_limit, begun))
            if trainer.device.reason and request.start_epoch == 0:
                emit({"type": "log", "message": f"{trainer.device.name}, {trainer.device.precision} ({trainer.device.reason}); {trainer.stepper.about}"})
            return trainer.run()
        except NotRecordable as e:
            del trainer
            request = replace(request, hyper=replace(request.hyper, accelerate="off"))
            emit({"type": "log", "message": f"no CUDA graph of this model ({e}); continuing without one"})
        except Exception as e:
            if trainer is not None and memory is not None:
                memory.remains = trainer.remains
            if not devices.out_of_memory(e):
                raise
            done = len(trainer.history) if trainer else 0
            size = trainer.size if trainer else request.hyper.batch_size
            del trainer
            devices.forget(e)
            devices.release()
            if request.hyper.on_oom != "halve" or size <= 1 or done:
                raise devices.memory_error(e, size, *fitting.fitting(request, arrays, size)) from None
            request = replace(request, hyper=replace(request.hyper, batch_size=size // 2))
            emit({"type": "log", "message": f"batch_size {size} does not fit in memory; continuing with {size // 2}"})


def train_epoch(request: Request, arrays: Arrays, emit: Emit, stop: Flag) -> dict[str, Any]:
    """Trains one epoch, with the predecessor's request and response."""
    request = replace(request, hyper=replace(request.hyper, epochs=1))
    out = train(request, arrays, lambda event: None, stop)
    record = out["history"][-1]
    metrics = {"loss": record["loss"], "samples_processed": record["samples"], "device_used": out["device_used"]}
    if "accuracy" in record:
        metrics["accuracy"] = record["accuracy"]
    return {
        "operation": "train_epoch",
        "metrics": metrics,
        "model_state": out["model_state"],
        "optimizer_state": out["optimizer_state"],
        "status": "success",
    }
