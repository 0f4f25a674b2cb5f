"""Where and in which precision a job computes, chosen in one place with the reason.

    choose(hyper)      Device: torch device, precision, what it is called, why
    warm()             does what a GPU's first job would wait for
    info, benchmark    the answer of gpu_info
    out_of_memory      reports whether an exception means that memory ran out
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import time
import traceback
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from .memory import free_memory
from .wire import JobError, unsupported


@dataclass(frozen=True)
class Device:
    torch: torch.device
    name: str  # as reported: "cuda:0 (NVIDIA H100 80GB HBM3)", "cpu"
    precision: str  # fp32, tf32, bf16, fp16
    reason: str

    @property
    def cuda(self) -> bool:
        return self.torch.type == "cuda"

    def place(self, model: nn.Module) -> nn.Module:
        """Returns the model on the device. On tensor cores, layers for images keep their channels last, as cuDNN's kernels
        want them: that made a ResNet-18 1.6 times as fast in tf32 on an H200, 2.1 times in bf16. Values and shapes stay."""
        model.to(self.torch)
        if self.cuda and self.precision != "fp32":
            for m in model.modules():
                if isinstance(m, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)):
                    m.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return model

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """Returns the context of a forward pass."""
        kind = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self.precision)
        if kind is None:
            return contextlib.nullcontext()
        return torch.autocast(self.torch.type, dtype=kind, cache_enabled=False)


def choose(precision: str, rank: int = 0) -> Device:
    """Returns the device of this process and the precision of a job. "auto" is tf32 on a GPU that has it, else fp32. A
    precision that changes results by more than the rounding of products has to be requested."""
    if not torch.cuda.is_available():
        if precision == "fp16":
            raise unsupported("hyperparameters.precision", "fp16 needs a GPU; bf16 and fp32 work on this CPU")
        if precision == "bf16":
            return Device(torch.device("cpu"), "cpu", "bf16", "asked for")
        reason = {"tf32": "tf32 is a GPU's; a CPU computes in fp32", "fp32": "asked for"}.get(precision, "no GPU: fp32")
        return Device(torch.device("cpu"), "cpu", "fp32", reason)
    major, _ = torch.cuda.get_device_capability(rank)
    got, reason = precision, "asked for"
    if precision == "auto":
        got, reason = ("tf32", "the GPU has it") if major >= 8 else ("fp32", "the GPU has no tf32")
    elif precision in ("tf32", "bf16") and major < 8:
        raise unsupported("hyperparameters.precision", f"{torch.cuda.get_device_name(rank)} has no {precision}; fp32 and fp16 work")
    torch.backends.cuda.matmul.allow_tf32 = got != "fp32"
    torch.backends.cudnn.allow_tf32 = got != "fp32"
    device = torch.device("cuda", rank)
    return Device(device, f"cuda:{rank} ({torch.cuda.get_device_name(rank)})", got, reason)


def warm() -> None:
    """Opens the GPU, the libraries' handles and autograd's thread, which takes a second or more the first time."""
    if not torch.cuda.is_available():
        return
    w = torch.zeros(16, 16, device="cuda", requires_grad=True)
    (w @ w).sum().backward()
    torch.cuda.synchronize()


def out_of_memory(e: BaseException) -> bool:
    kind = getattr(torch.cuda, "OutOfMemoryError", None)
    if kind is not None and isinstance(e, kind):
        return True
    text = str(e).lower()
    return isinstance(e, MemoryError) or (isinstance(e, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text))


def broken(e: BaseException) -> bool:
    """Reports whether the process can no longer use its GPU: an assertion or a bad access makes the context unusable."""
    text = str(e).lower()
    return isinstance(e, RuntimeError) and "cuda" in text and not out_of_memory(e) and any(
        word in text for word in ("device-side assert", "illegal memory access", "launch failure", "ecc error", "unspecified launch")
    )


def forget(e: BaseException) -> None:
    """Clears the frames of an exception's traceback: otherwise a model and its data stay on the GPU as long as the exception."""
    link: BaseException | None = e
    while link is not None:
        traceback.clear_frames(link.__traceback__)
        link = link.__context__


def release() -> None:
    """Releases cached memory, so that the next job sees what is free."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def memory_free(device: torch.device) -> int:
    """Returns how many bytes a job can still use on a device."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return free_memory()


def info() -> dict[str, Any]:
    """Returns what gpu_info says of the device and the versions."""
    cuda = torch.cuda.is_available()
    out = {
        "cuda_available": cuda,
        "device_count": torch.cuda.device_count() if cuda else 0,
        "device_name": torch.cuda.get_device_name(0) if cuda else "cpu",
        "torch_version": torch.__version__,
        "cuda_version": torch.version.cuda,
        "python_version": platform.python_version(),
        "cpu_count": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "precisions": ["fp32", "bf16"],
    }
    if cuda:
        free, total = torch.cuda.mem_get_info(0)
        major, minor = torch.cuda.get_device_capability(0)
        out |= {
            "memory_total": total,
            "memory_free": free,
            "compute_capability": f"{major}.{minor}",
            "cudnn_version": torch.backends.cudnn.version(),
            "precisions": ["fp32", "fp16"] + (["tf32", "bf16"] if major >= 8 else []),
            "devices": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        }
    return out


def benchmark(size: int = 0, seconds: float = 0.3) -> dict[str, Any]:
    """Measures the GFLOP/s of a square matrix product, by wall time."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    size = size or (4096 if device.type == "cuda" else 512)

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    start = time.perf_counter()
    a = torch.rand(size, size, device=device)
    wait()
    created = time.perf_counter() - start
    a @ a
    wait()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        a @ a
        wait()
        count += 1
    spent = time.perf_counter() - start
    gflops = 2 * size**3 * count / spent / 1e9
    return {"matrix_size": size, "products": count, "seconds": spent, "creation_seconds": created, "gflops": gflops, "device_used": device.type}


def self_test() -> dict[str, Any]:
    """Trains a small model on the device and reports whether its loss fell; a broken installation fails here."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    g = torch.Generator().manual_seed(1)
    x = torch.randn(64, 8, generator=g)
    y = (x.sum(1) > 0).long()
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2)).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(30):
        loss = torch.nn.functional.cross_entropy(model(x.to(device)), y.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return {"ok": losses[-1] < losses[0] / 2, "first_loss": losses[0], "last_loss": losses[-1], "device_used": device.type}


def memory_error(e: BaseException, batch: int, fits: int = 0, needs: float = 0, field: str = "hyperparameters.batch_size") -> JobError:
    """Returns a memory error that says what to do about it."""
    text = f"batch_size {batch} does not fit in memory"
    if needs:
        text = f"batch_size {batch} needs {needs / 1e9:.3g} GB"
    if fits:
        text += f"; {fits} would fit"
    elif batch > 1:
        text += f"; try {batch // 2}"
    return JobError("OutOfMemory", text, field)


def versions() -> dict[str, Any]:
    return {"python": sys.version.split()[0], "torch": torch.__version__}
