"""What each operation does, from a job's input to its answer.

run(input, ...) is the whole worker without RunPod: it blocks, emits events, and
returns the answer or raises JobError. handler.py runs it in a thread.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import sys
import threading
import time
import traceback
from typing import Any

import torch

from . import address, contract, data, ddp, evaluate, models, predecessor, source, tensors, train, volume, wire
from . import device as devices
from .runs import Memory
from .team import Flag, Stopped
from .wire import Emit, JobError, Request, invalid

STORE = data.Store()


class Stop:
    """A flag that a job checks after each batch."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()


def run(
    value: Any, emit: Emit, stop: Flag, memory: Memory | None = None, named: dict[str, torch.Tensor] | None = None, store: data.AnyStore | None = None
) -> dict[str, Any]:
    """Returns the answer to one input object. named holds the tensors of the batch that it is part of, if any."""
    try:
        return _run(value, emit, stop, memory, named, store or STORE)
    except (JobError, Stopped) as e:
        devices.forget(e)
        raise
    except (Exception, SystemExit) as e:
        devices.forget(e)
        text = source_of(value)
        known = source.told(e, text) if text and not devices.out_of_memory(e) else None
        if isinstance(e, SystemExit):
            raise known or invalid("model_config.source", "the code ended itself with sys.exit") from None
        known = known or explained(e) or (source.indirect(e) if text and not devices.broken(e) else None)
        if known is not None:
            raise known from None
        raise
    finally:
        devices.release()


def source_of(value: Any) -> str:
    """Returns the source of a request whose model is Python, else ""."""
    model = value.get("model_config") if isinstance(value, dict) else None
    text = model.get("source") if isinstance(model, dict) and model.get("type") == "python" else None
    return text if isinstance(text, str) else ""


def explained(e: Exception) -> JobError | None:
    """Returns what an exception means for the caller, or None if it is a bug of the worker."""
    text = str(e).strip().split("\n")[0][:300]
    if devices.out_of_memory(e):
        return JobError("OutOfMemory", "memory ran out; send fewer samples, or a smaller model", "")
    if isinstance(e, OSError):
        why = e.strerror or text or type(e).__name__
        full = e.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "the volume of this worker is full; gopherpod store prune makes room" if full else "the volume of this worker cannot be used"
        return JobError("Unsupported", f"{advice} ({why})")
    if isinstance(e, (ValueError, RuntimeError)) and "more than 1 value per channel" in text:
        return invalid("model_config", f"a batch of 1 sample is too small for a layer that takes the variance of a batch: {text}")
    if isinstance(e, (ValueError, RuntimeError)) and "eps must be positive" in text:
        return invalid("model_config", text)
    return None


def _run(value: Any, emit: Emit, stop: Flag, memory: Memory | None, named: dict[str, torch.Tensor] | None, store: data.AnyStore) -> dict[str, Any]:
    begun = time.monotonic()
    if isinstance(value, dict) and value.get("sources"):
        store = data.Fetched(store, wire.sources(value["sources"], "sources"))
    value, seed = predecessor.with_seed(fetch_states(value, store))
    request = wire.parse(value)
    arrays = data.Arrays(request.tensors, store, named)
    if request.upload:  # refused before anything is computed
        address.target(request.upload.url, "upload")
    if request.operation == "train":
        if said := volume.problem():
            emit({"type": "log", "message": said})
        if (size := ddp.world(request)) > 1:
            whole = {**value, "tensors": tensors.encode(arrays.named)} if named else value
            if isinstance(store, data.Fetched):
                store.spread()
                whole = {k: v for k, v in whole.items() if k != "sources"}
            result = ddp.train(whole, size, emit, stop, memory, begun)
        else:
            result = train.train(request, arrays, emit, stop, memory, begun)
        result["features"] = list(contract.FEATURES)
        if seed is not None:
            result["seed"] = seed
        return differences(request, upload_states(request, keep_states(result, store), emit), store)
    answer = _answer(request, arrays, emit, stop, store)
    return answer if request.protocol else predecessor.answer(request, answer, seed)


def _answer(request: Request, arrays: data.Arrays, emit: Emit, stop: Flag, store: data.AnyStore) -> dict[str, Any]:
    """Answers the operations that do not stream."""
    if request.operation == "predict":
        return evaluate.predict(request, arrays, emit, stop, lambda t: upload(request, {"predictions": t}))
    if request.operation == "train_epoch":
        result = differences(request, train.train_epoch(request, arrays, emit, stop), store)
        result.pop(WHOLE, None)
        return result
    if request.operation == "evaluate":
        return evaluate.evaluate(request, arrays, emit, stop)
    if request.operation == "batch":
        return batch(request, arrays, stop)
    if request.operation == "store":
        return put(request, arrays)
    if request.operation == "capabilities":
        return capabilities()
    if request.operation == "collect":
        raise invalid("operation", "collect is a job of its own")
    if request.operation == "benchmark":
        return {"operation": "benchmark", "benchmark_results": devices.benchmark(), "status": "success"}
    return gpu_info()


STATE = "sha256:"  # the text of a state that is in the store begins with it
KEEP_FROM = 256 << 10  # a state with fewer characters is not worth keeping there


def fetch_states(value: Any, store: data.AnyStore) -> Any:
    """Returns the input with states instead of their digests, or of differences to stored states (worker/request.go)."""
    for name in ("model_state", "optimizer_state"):
        text = value.get(name) if isinstance(value, dict) else None
        if not isinstance(text, str):
            continue
        if text.startswith(STATE):
            state = stored_state(store, wire.digest(text[len(STATE) :], name), name)
        elif text.startswith(tensors.DELTA):
            state = tensors.decode_delta(stored_state(store, tensors.cut_delta(text, name)[0], name), text, name)
            keep_state(state, store)
        else:
            continue
        value = {**value, name: base64.b64encode(state).decode("ascii")}
    return value


def stored_state(store: data.AnyStore, digest: str, name: str) -> bytes:
    t = store.get(digest, name)
    if t.dtype != torch.uint8:
        raise invalid(name, "the digest is of an array, not of a state")
    return tensors.raw(t)


def keep_states(result: dict[str, Any], store: data.AnyStore) -> dict[str, Any]:
    """Keeps the states of a result in memory, so that a client that continues from them need not send them."""
    for name in ("model_state", "optimizer_state"):
        text = result.get(name)
        if isinstance(text, str):
            keep_state(base64.b64decode(text), store)
    return result


def keep_state(state: bytes, store: data.AnyStore) -> None:
    if len(state) * 4 // 3 >= KEEP_FROM:
        store.keep(torch.frombuffer(bytearray(state), dtype=torch.uint8))


WHOLE = "whole"  # in a result, the full states behind its differences: kept for a client that collects the run without the base, never sent


def differences(request: Request, result: dict[str, Any], store: data.AnyStore) -> dict[str, Any]:
    """Returns the result with its states as differences to the request's, if the request allows that and it is shorter."""
    if not request.state_delta:
        return result
    whole = {}
    for name in ("model_state", "optimizer_state"):
        base, state = getattr(request, name), result.get(name)
        if base and state and (delta := tensors.encode_delta(base, state)):
            whole[name] = state
            keep_state(plain_state(state), store)  # under the digest that the client knows
            result[name] = delta
    return {**result, WHOLE: whole} if whole else result


def plain_state(text: str) -> bytes:
    state = base64.b64decode(text)
    return tensors.decompress(state, "state") if state[:4] == tensors.ZSTD_MAGIC else state


def upload(request: Request, named: dict[str, Any]) -> dict[str, Any] | None:
    """Writes arrays to the request's upload address if they are larger than upload.above; otherwise returns None (worker/source.go, Uploaded)."""
    to = request.upload
    if to is None or sum(t.numel() * t.element_size() for t in named.values()) <= to.above:
        return None
    file = tensors.save_safetensors(named)
    address.write(to.url, "upload", file)
    return {"name": to.name, "sha256": hashlib.sha256(file).hexdigest(), "bytes": len(file)}


def upload_states(request: Request, result: dict[str, Any], emit: Emit) -> dict[str, Any]:
    """Returns the result with its states at the upload's address. If that fails, they travel in the stream, and a log line says why."""
    if request.upload is None:
        return result
    states = {n: base64.b64decode(result[n]) for n in ("model_state", "optimizer_state") if result.get(n)}
    try:
        uploaded = upload(request, {n: torch.frombuffer(bytearray(b), dtype=torch.uint8) for n, b in states.items()})
    except JobError as e:
        emit({"type": "log", "message": f"the upload failed, so the states are sent in the stream: {e.message}"})
        return result
    return result if uploaded is None else {**result, "model_state": "", "optimizer_state": "", "uploaded": uploaded}


def gpu_info() -> dict[str, Any]:
    return {
        "operation": "gpu_info",
        "gpu_info": {**devices.info(), "self_test": devices.self_test()},
        "benchmark_results": devices.benchmark(),
        "status": "success",
    }


def capabilities() -> dict[str, Any]:
    return {
        "operation": "capabilities",
        "protocols": [0, wire.PROTOCOL],
        "operations": list(contract.OPERATIONS),
        "layers": sorted(contract.LAYERS),
        "models": [m for m in contract.MODELS if m != "python" or models.allowed()],
        "losses": list(contract.LOSSES),
        "optimizers": list(contract.OPTIMIZERS),
        "schedulers": list(contract.SCHEDULERS),
        "precisions": devices.info()["precisions"],
        "devices": devices.info()["device_count"],
        "max_bytes": tensors.MAX_BYTES,
        "features": list(contract.FEATURES),
        "versions": devices.versions(),
        **({"volume_problem": said} if (said := volume.problem()) else {}),
        "status": "success",
    }


def put(request: Request, arrays: data.Arrays) -> dict[str, Any]:
    """Keeps the request's tensors, and reports which digests of have are there already."""
    stored = {name: arrays.store.put(t) for name, t in arrays.named.items()}
    out: dict[str, Any] = {"operation": "store", "stored": stored, "status": "success"}
    if request.have or request.join:
        lacking = [(j.sha256, arrays.store.join(j)) for j in request.join]
        out["have"] = [d for d in request.have if arrays.store.has(d)]
        out["missing"] = [d for d in request.have if d not in set(out["have"])]
        out["have"] += [d for d, parts in lacking if not parts]
        out["missing"] += [part for _, parts in lacking for part in parts]
    elif not stored:
        raise invalid("tensors", "want tensors to store, or digests to look up")
    return out


def failure(e: BaseException) -> JobError:
    """Returns the caller's error for any exception. A bug's traceback goes to the worker's log, not to the caller, because it
    may show secrets."""
    if isinstance(e, Stopped):
        return JobError("Cancelled", "the job was cancelled")
    if isinstance(e, JobError):
        return e
    traceback.print_exception(type(e), e, e.__traceback__, file=sys.stderr)
    return JobError("InternalError", f"a bug of the worker: {type(e).__name__}; the worker's log has more")


def limited(part: dict[str, Any], left: float) -> dict[str, Any]:
    """Returns a training of a batch with what is left of the batch's time."""
    if left < 1:
        raise JobError("Unsupported", "the time of the batch was over before this training began; give the batch more time, or train in a job of its own")
    given = part.get("time_limit")
    return part if isinstance(given, (int, float)) and 0 < given <= left else {**part, "time_limit": left}


def batch(request: Request, arrays: data.Arrays, stop: Flag) -> dict[str, Any]:
    """Returns the answers of the parts, in order; a part that fails says why, and the others continue. Each training has what is left
    of the batch's time."""
    results = []
    until = time.monotonic() + request.time_limit if request.time_limit else None
    for i, part in enumerate(request.requests):
        if stop.is_set():
            raise Stopped
        path = f"requests[{i}]"
        try:
            if isinstance(part, dict) and part.get("operation") == "batch":
                raise invalid("operation", "a batch must not contain a batch")
            if until is not None and isinstance(part, dict) and part.get("operation") == "train":
                part = limited(part, until - time.monotonic())
            results.append(run(part, lambda event: None, stop, None, arrays.named, arrays.store))
            results[-1].pop(WHOLE, None)
        except Stopped:
            raise
        except Exception as e:
            if devices.broken(e):  # the process can no longer compute: RunPod has to replace it
                raise
            error = failure(e)
            at = f"{path}.{error.field}" if error.field else path
            results.append({"status": "error", "failure": JobError(error.kind, error.message, at).object()})
    return {"operation": "batch", "results": results, "status": "success"}
