"""Jobs whose model is Python source run in a process of their own.

    wanted(job)          whether a job brings code that the operator has allowed
    relay(job, config)   starts the process (one.py) and passes on what it yields

The process gets the job on its standard input and answers with lines of JSON. Its environment holds what computing needs and no
key; the environment of the worker itself is hidden from it (hide). A process that crashes, or ends itself, costs the job. It is
asked to stop by closing its input, and killed, with all that it started, if it does not stop in time.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import multiprocessing
import os
import signal
import sys
from collections.abc import AsyncGenerator
from typing import Any

from . import data, models, source
from .ddp import PACKAGES
from .wire import JobError, invalid

INSIDE = "GOPHERPOD_CODE_PROCESS"  # set in such a process
GRACE = 10.0  # seconds from the request to stop until the process is killed
LINE = 64 << 20  # bytes of a line; RunPod takes results of 20 MB
NAMES = {"PATH", "HOME", "USER", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "XDG_CACHE_HOME", "HOSTNAME", models.ALLOW}
NAMES |= {"GOPHERPOD_MAX_BYTES", "GOPHERPOD_MAX_FETCH", "GOPHERPOD_ALLOW_URLS", "GOPHERPOD_CPU_RANKS"}
PREFIXES = ("LC_", "CUDA_", "NVIDIA_", "NCCL_", "OMP_", "MKL_", "OPENBLAS_", "KMP_", "TORCH_", "TORCHINDUCTOR_", "PYTORCH_", "PYTHON")
SECRET = ("KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL")


def wanted(job: dict[str, Any]) -> bool:
    """Reports whether a job runs code here, so that it needs a process of its own."""
    return models.allowed() and not inside() and _brings_code(job.get("input"))


def inside() -> bool:
    return os.environ.get(INSIDE) == "1"


def _brings_code(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    model, parts = value.get("model_config"), value.get("requests")
    if isinstance(model, dict) and model.get("type") == "python":
        return True
    return isinstance(parts, list) and any(_brings_code(p) for p in parts)


def environment() -> dict[str, str]:
    """Returns the environment of such a process: the names above, and no secret."""
    kept = {k: v for k, v in os.environ.items() if (k in NAMES or k.startswith(PREFIXES)) and not any(word in k for word in SECRET)}
    path = os.pathsep.join(p for p in (str(PACKAGES), os.environ.get("PYTHONPATH")) if p)
    return {**kept, INSIDE: "1", "GOPHERPOD_STORE": str(data.folder()), "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def hide() -> None:
    """Hides the worker's environment and memory from other processes of its user (/proc/PID/environ, /proc/PID/mem). The process
    that sends the SDK's heartbeats is a fork, which is hidden too; a program that is started would not be."""
    if sys.platform == "linux":
        multiprocessing.set_start_method("fork", force=True)
        ctypes.CDLL(None, use_errno=True).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE


async def relay(job: dict[str, Any], config: dict[str, Any] | None = None) -> AsyncGenerator[dict[str, Any], None]:
    """Yields what the handler yields for a job that runs in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "gopherpod_worker.one",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment(), start_new_session=True, limit=LINE,
    )  # fmt: skip
    assert process.stdin and process.stdout
    try:
        try:
            process.stdin.write(json.dumps(job).encode() + b"\n")
            await process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            pass  # it ended; its exit status says how
        while (message := await _message(process.stdout)) is not None:
            if "value" not in message:
                if message.get("refresh") and config is not None:
                    config["refresh_worker"] = True
                return
            if config is not None:
                config["return_aggregate_stream"] = message.get("keep") is not False
            yield message["value"]
        yield {"error": crashed(await process.wait()).json()}
    finally:
        await _end(process)


async def _message(out: asyncio.StreamReader) -> dict[str, Any] | None:
    """Returns the next message of the process, None at the end. What is no message is passed over: the code may have written it."""
    while True:
        try:
            line = await out.readline()
        except ValueError:  # longer than LINE
            return None
        if not line:
            return None
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict) and (message.get("end") is True or isinstance(message.get("value"), dict)):
            return message


def crashed(status: int) -> JobError:
    """Returns the error of a process that ended without an answer."""
    if status == -signal.SIGKILL:
        return JobError("OutOfMemory", "the process with the body's code was killed, as happens if memory runs out; the worker goes on", source.FIELD)
    how = f"with exit status {status}" if status >= 0 else f"by {signal.Signals(-status).name}"
    return invalid(source.FIELD, f"the body's code ended its process {how}, before the job was done; the worker goes on")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Asks the process to stop, and kills it and all that it started if it has not stopped in time."""
    if process.stdin:
        process.stdin.close()
    waiting = asyncio.ensure_future(process.wait())
    try:
        await _shielded(waiting, GRACE)
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await _shielded(waiting, None)


async def _shielded(task: asyncio.Future[Any], seconds: float | None) -> None:
    """Waits for a task, also if the waiting is cancelled meanwhile."""
    loop = asyncio.get_running_loop()
    until = None if seconds is None else loop.time() + seconds
    while not task.done() and (until is None or loop.time() < until):
        try:
            await asyncio.wait([task], timeout=None if until is None else max(until - loop.time(), 0))
        except asyncio.CancelledError:
            continue
