"""The arrays that a request refers to, and how batches of them reach the device.

    Arrays      one request's values: lists, its tensors, the store, addresses
    Store       arrays by content digest, in memory and on the volume
    Feed        batches of features and labels on the device

address.py reads from addresses.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from . import address, tensors, volume
from .wire import Dataset, JobError, Join, Source, Value, invalid, nearest


def folder() -> Path:
    """Returns where things are kept between jobs: GOPHERPOD_STORE, else the network volume, else a folder of this process."""
    if given := os.environ.get("GOPHERPOD_STORE"):
        return Path(given)
    if (shared := volume.folder()) is not None:
        return shared
    global _own
    if _own is None:
        _own = tempfile.TemporaryDirectory(prefix="gopherpod-")
    return Path(_own.name)


_own: tempfile.TemporaryDirectory[str] | None = None


def write(path: Path, data: bytes) -> None:
    """Writes a file so that it is complete or absent, whatever other writers do and whoever dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(fd, "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class Store:
    """Arrays by digest (tensors.content_digest). A file is named after its digest, and checked against it when it is read."""

    def __init__(self, root: Path | None = None, memory: int = 4 << 30):
        self.root, self.memory = root, memory
        self.lock = threading.Lock()
        self.kept: OrderedDict[str, torch.Tensor] = OrderedDict()  # digest -> tensor on the CPU, least recently used first

    def path(self, digest: str) -> Path:
        return (self.root or folder()) / "data" / digest[:2] / f"{digest}.safetensors"

    def touch(self, digest: str) -> None:
        """Records that a file is used, for gopherpod store prune."""
        path = self.path(digest)
        try:
            if time.time() - path.stat().st_mtime > 3600:
                os.utime(path)
        except OSError:
            pass

    def has(self, digest: str) -> bool:
        self.touch(digest)
        with self.lock:
            if digest in self.kept:
                return True
        return self.path(digest).is_file()

    def put(self, t: torch.Tensor) -> str:
        digest = tensors.content_digest(t)
        if not self.path(digest).is_file():
            with contextlib.suppress(PermissionError):  # a folder that a client made over S3 since the worker began: memory has to do
                write(self.path(digest), tensors.save_safetensors({"data": t}))
        self._keep(digest, t)
        return digest

    def get(self, digest: str, path: str) -> torch.Tensor:
        self.touch(digest)
        with self.lock:
            if digest in self.kept:
                self.kept.move_to_end(digest)
                return self.kept[digest]
        try:
            data = self.path(digest).read_bytes()
        except OSError:
            raise JobError("MissingData", f"the store does not hold {digest}; send it first", path) from None
        t = tensors.load_safetensors(data, path).get("data")
        if t is None or tensors.content_digest(t) != digest:
            self.path(digest).unlink(missing_ok=True)
            raise JobError("MissingData", f"the store's file of {digest} was damaged and has been removed; send it again", path)
        self._keep(digest, t)
        return t

    def keep(self, t: torch.Tensor) -> None:
        """Keeps an array, in memory only."""
        self._keep(tensors.content_digest(t), t)

    def keep_as(self, digest: str, t: torch.Tensor) -> None:
        """Keeps an array whose digest has been verified, in memory only."""
        self._keep(digest, t)

    def drop(self, digest: str) -> None:
        with self.lock:
            self.kept.pop(digest, None)
        self.path(digest).unlink(missing_ok=True)

    def join(self, j: Join) -> list[Any]:
        """Joins an array from its parts, and removes them. If parts are missing, it returns their digests instead."""
        if self.has(j.sha256):
            return []
        missing = [d for d in j.parts if not self.has(d)]
        if missing:
            return missing
        whole = bytearray()
        for i, part in enumerate(j.parts):
            t = self.get(part, f"{j.path}.parts[{i}]")
            if t.dtype != torch.uint8 or len(whole) + t.numel() > tensors.MAX_BYTES:
                raise invalid(f"{j.path}.parts[{i}]", f"not a piece of an array of at most {tensors.MAX_BYTES} bytes")
            whole += tensors.raw(t)
        t = tensors.array(j.dtype, j.shape, whole, j.path)
        if tensors.content_digest(t) != j.sha256:
            raise invalid(j.path + ".sha256", "not the digest of the parts put together")
        self.put(t)
        for part in j.parts:
            if part != j.sha256:
                self.drop(part)
        return []

    def _keep(self, digest: str, t: torch.Tensor) -> None:
        with self.lock:
            self.kept[digest] = t
            self.kept.move_to_end(digest)
            size = sum(v.numel() * v.element_size() for v in self.kept.values())
            while size > self.memory and len(self.kept) > 1:
                _, old = self.kept.popitem(last=False)
                size -= old.numel() * old.element_size()


class Fetched:
    """A store, and before it the arrays of one request that came from its sources, which the store's memory need not hold."""

    def __init__(self, store: Store | Fetched, sources: dict[str, Any]):
        self.store, self.arrays = store, {}
        for digest, source in sources.items():
            if not store.has(digest):
                self.arrays[digest] = fetched(digest, source)
                store.keep_as(digest, self.arrays[digest])

    def get(self, digest: str, path: str) -> torch.Tensor:
        return self.arrays[digest] if digest in self.arrays else self.store.get(digest, path)

    def spread(self) -> None:
        """Puts the arrays where other processes of this worker can read them."""
        for t in self.arrays.values():
            self.store.put(t)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def fetched(digest: str, source: Source) -> torch.Tensor:
    """Returns the array at an address, which must have the digest."""
    damaged = JobError("DamagedData", f"the file at the address of {digest[:12]} has other content", "sources")
    read = address.read(source.url, "sources", source.bytes)
    try:
        named = tensors.load_safetensors(read, "sources")
    except JobError:
        raise damaged from None
    t = named.get("data")
    if t is None or len(named) != 1 or tensors.content_digest(t) != digest:
        raise damaged
    return t


AnyStore = Store | Fetched


class Arrays:
    """The values of one request."""

    def __init__(self, envelope: Any, store: AnyStore, inherited: dict[str, Any] | None = None):
        self.store = store
        self.named = {**(inherited or {}), **tensors.decode(envelope)}

    def get(self, value: Value) -> torch.Tensor:
        if value.tensor:
            if value.tensor not in self.named:
                raise invalid(value.path + ".tensor", f"no tensor {value.tensor!r} in the request; {nearest(value.tensor, self.named)}")
            return self.named[value.tensor]
        if value.sha256:
            return self.store.get(value.sha256, value.path + ".sha256")
        if value.url:
            return address.fetch(value.url, value.path + ".url")
        return tensors.from_list(value.list, value.path)

    def features(self, d: Dataset) -> torch.Tensor:
        """Returns the samples: float32, or int64 if they came as integers in binary form (for an embedding)."""
        x = self.get(d.features)
        path = d.features.path
        if x.dim() < 1 or x.shape[0] == 0 or x.numel() == 0:
            raise invalid(path, f"no samples: the shape is {list(x.shape)}")
        if x.is_floating_point():
            x = x.to(torch.float32)
            if not bool(torch.isfinite(x).all()):
                i = [int(v) for v in (~torch.isfinite(x)).nonzero()[0]]
                raise invalid(path + "".join(f"[{v}]" for v in i), "NaN or infinity among the features (or a number beyond float32)")
            return x
        return x.to(torch.int64)

    def labels(self, d: Dataset, samples: int) -> torch.Tensor:
        assert d.labels is not None  # wire.parse refused the dataset otherwise
        y = self.get(d.labels)
        if y.dim() < 1 or y.shape[0] != samples:
            have = y.shape[0] if y.dim() else 0
            raise invalid(d.labels_path, f"{have} labels for {samples} samples")
        return y if y.is_floating_point() else y.to(torch.int64)


# Batches ---------------------------------------------------------------------------


class Feed:
    """Features and labels: on the device if they fit, otherwise in pinned memory and copied batch by batch, one batch ahead
    of the computation."""

    def __init__(self, x: torch.Tensor, y: torch.Tensor, device: torch.device, room: int):
        self.device, self.samples = device, len(x)
        size = x.numel() * x.element_size() + y.numel() * y.element_size()
        self.resident = device.type == "cpu" or size < room * 0.6
        if device.type == "cuda":
            x, y = (t if self.resident else _pinned(t) for t in (x, y))
        self.x, self.y = (x.to(device, non_blocking=True), y.to(device, non_blocking=True)) if self.resident else (x, y)

    def take(self, index: torch.Tensor) -> tuple[Any, ...]:
        """Returns the samples of an index, which has to be on the data's device."""
        return self.x.index_select(0, index), self.y.index_select(0, index)

    def slices(self, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yields all samples in order, in batches on the device."""
        for i in range(0, self.samples, size):
            yield self.x[i : i + size].to(self.device, non_blocking=True), self.y[i : i + size].to(self.device, non_blocking=True)

    def batches(self, order: torch.Tensor, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yields (features, labels) on the device for consecutive pieces of order, a permutation on the CPU."""
        if self.resident:
            order = order.to(self.device)
            for i in range(0, len(order), size):
                yield self.take(order[i : i + size])
            return
        ahead, stream = None, torch.cuda.Stream(self.device)
        for i in range(0, len(order), size):
            host = tuple(_pinned(t) for t in self.take(order[i : i + size]))
            with torch.cuda.stream(stream):
                there = tuple(t.to(self.device, non_blocking=True) for t in host)
            if ahead is not None:
                yield self._ready(ahead, stream)
            ahead = (there, host, stream.record_event())
        if ahead is not None:
            yield self._ready(ahead, stream)

    def _ready(self, ahead: tuple[Any, ...], stream: Any) -> tuple[Any, ...]:
        there, _, event = ahead
        current = torch.cuda.current_stream(self.device)
        current.wait_event(event)
        for t in there:
            t.record_stream(current)
        return there


def _pinned(t: torch.Tensor) -> torch.Tensor:
    try:
        return t.pin_memory()
    except RuntimeError:  # the machine refuses to lock that much
        return t


def text_digest(*texts: str) -> str:
    h = hashlib.sha256()
    for text in texts:
        h.update(len(text).to_bytes(8, "little") + text.encode())
    return h.hexdigest()
