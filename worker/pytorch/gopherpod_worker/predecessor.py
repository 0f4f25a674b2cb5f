"""Answers to requests without a protocol: those that the predecessor documented (docs/predecessor.md).

    with_seed       the seed that such a request lacks
    predictions     class numbers, or outputs
    answer          the answer of an operation in the predecessor's form

What the worker adds to such an answer has a name that the predecessor did not use. wire.fill_old reads the requests.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Any

import torch

from . import device as devices
from . import tensors, wire
from .contract import TASKS
from .wire import Request

UNTRAINED = "the request has no model_state, so the weights are random"


def with_seed(value: Any) -> tuple[Any, int | None]:
    """Returns the input and None, or, if it is a request of the predecessor that needs a seed and has none, the input with a drawn
    seed and that seed: a training, and a model without a state.

    A client that loops over train_epoch sends no seed. With the contract's default, 0, every epoch would have the same order and the
    same dropout masks, and every train the same weights to begin with. The predecessor set no seed. The seed of a request with a run_id
    follows from that, so that a job that is delivered twice has the same."""
    value = wire.fill_old(value)
    if not isinstance(value, dict) or value.get("protocol"):
        return value, None
    operation, state = value.get("operation"), value.get("model_state")
    if operation not in ("train", "train_epoch") and (operation not in ("evaluate", "predict") or state):
        return value, None
    hyper = value.get("hyperparameters")
    if hyper is None:
        hyper = {}
    if not isinstance(hyper, dict) or hyper.get("seed") is not None:
        return value, None
    run_id = value.get("run_id")
    if isinstance(run_id, str) and run_id:
        seed = int.from_bytes(hashlib.sha256(run_id.encode("utf-8", "surrogatepass")).digest()[:4], "big") >> 1
    else:
        seed = secrets.randbelow(1 << 31)
    return {**value, "hyperparameters": {**hyper, "seed": seed}}, seed


def predictions(request: Request, out: torch.Tensor) -> list[Any]:
    """Returns the class numbers of a classifier, and the outputs of another model. Without a loss function the predecessor's
    default applies, and a model with one output has no classes."""
    if TASKS[request.hyper.loss_function] == "classes" and out.dim() > 1 and out.shape[1] > 1:
        numbers: list[Any] = out.argmax(1).tolist()
        return numbers
    return tensors.to_list(out)


def answer(request: Request, given: dict[str, Any], seed: int | None) -> dict[str, Any]:
    """Returns the answer of an operation in the predecessor's form."""
    out = {**given}
    if seed is not None:
        out["seed"] = seed
    if request.operation in ("evaluate", "predict") and not request.model_state:
        out["warning"] = UNTRAINED
    if "metrics" in out:
        used = str(out["metrics"]["device_used"]).partition(":")[0]  # "cuda" of "cuda:0 (NVIDIA H200)"
        out["metrics"] = {**out["metrics"], "device_used": used, "cuda_available": torch.cuda.is_available()}
    if request.operation == "gpu_info":
        out["gpu_info"] = {**out["gpu_info"], **info()}
    if "benchmark_results" in out:
        out["benchmark_results"] = {**out["benchmark_results"], **benchmark(out["benchmark_results"])}
    return out


def info() -> dict[str, Any]:
    """Returns what the predecessor said of the GPU."""
    cuda = torch.cuda.is_available()
    out: dict[str, Any] = {"cuda_available": cuda, "device_name": "cuda" if cuda else "cpu", "pytorch_version": str(torch.__version__)}
    if not cuda:
        return {**out, "cuda_tests_status": "SKIPPED - No CUDA available"}
    known = {
        "gpu_count": torch.cuda.device_count(),
        "gpu_name": torch.cuda.get_device_name(0),
        "cuda_version": torch.version.cuda,
        "cudnn_version": torch.backends.cudnn.version(),
        "current_device": torch.cuda.current_device(),
        "memory_allocated": torch.cuda.memory_allocated(0),
        "memory_reserved": torch.cuda.memory_reserved(0),
    }
    return {**out, **known, **checks(torch.device("cuda"))}


def checks(device: torch.device) -> dict[str, Any]:
    """Returns the results of the predecessor's checks of a GPU; after the first that fails, its error."""
    x = torch.rand(1000, 1000)
    steps: dict[str, Callable[[], Any]] = {
        "tensor_creation_test": lambda: x.to(device),
        "computation_test": lambda: x.to(device) @ x.to(device),
        "memory_test": lambda: torch.empty(5000, 5000, device=device),
        "neural_network_test": lambda: torch.nn.Linear(1000, 100).to(device)(x[:32].to(device)),
    }
    out: dict[str, Any] = {}
    for name, step in steps.items():
        try:
            step()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
        except RuntimeError as e:
            if devices.broken(e):  # the process can no longer compute: RunPod has to replace it
                raise
            return {**out, "cuda_test_error": str(e), "cuda_tests_status": "FAILED"}
        out[name] = "PASSED"
    return out


def benchmark(measured: dict[str, Any]) -> dict[str, Any]:
    """Returns what the predecessor reported about its product of two matrices."""
    size, spent = measured["matrix_size"], measured["seconds"] / measured["products"]
    cuda = torch.cuda.is_available()
    return {
        "device": "cuda" if cuda else "cpu",
        "cuda_available": cuda,
        "creation_time_ms": measured["creation_seconds"] * 1000,
        "computation_time_ms": spent * 1000,
        "operations_per_second": size**3 / spent,
        "benchmark_status": "COMPLETED",
        "performance_assessment": assess(size**3 / spent, cuda),
    }


def assess(operations: float, cuda: bool) -> str:
    """Judges a device as the predecessor did: by the time of a product of two matrices of 2000 x 2000."""
    seconds = 2000**3 / operations
    if cuda and seconds < 0.5:
        return "GPU_ACCELERATED"
    return "CPU_LIKELY" if seconds > 2 else "UNCLEAR"
