"""What is kept of a run, so that a job that comes twice continues, or is answered from here.

RunPod delivers a job again if its worker was lost, and clients may submit a job
again. The folder of a run (data.folder()/runs/<digest of run_id>) holds

    attempts                  how often the run was delivered
    checkpoint.safetensors    the state of the training, at any batch and not only at the end of an epoch
    result.json               the events of a finished run
    whole.json                the same events with full states, if result.json has differences
    left.json                 the events of a run that was cancelled or that failed, with full states
    id                        only in the folder of a run_id itself: the folder of its last request

A run_id counts only together with the rest of its request. If the volume cannot be written, this process
keeps what a run left (Recent).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import torch

from . import data, keep, tensors, wire
from .wire import JobError

KEEP = 7 * 24 * 3600  # seconds


class Recent:
    """The events of recent runs, up to that many characters, in the memory of this process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._events: dict[str, list[Any]] = {}
        self._sizes: dict[str, int] = {}
        self._lock = threading.Lock()

    def put(self, run_id: str, events: list[Any]) -> None:
        with self._lock:
            self._events.pop(run_id, None)
            self._events[run_id], self._sizes[run_id] = events, len(json.dumps(events))
            while sum(self._sizes[i] for i in self._events) > self._most:
                del self._events[next(iter(self._events))]

    def drop(self, run_id: str) -> None:
        with self._lock:
            self._events.pop(run_id, None)

    def get(self, run_id: str) -> list[Any] | None:
        with self._lock:
            return self._events.get(run_id)


RECENT = Recent(256 << 20)  # what runs left whose volume could not be written
ANSWERS = Recent(64 << 20)  # the answers of jobs that do not train, in case the service refuses them


class Memory:
    """The memory of one run; without a run_id it remembers nothing."""

    def __init__(self, run_id: str, request: Any, root: Path | None = None, retries: int = 0):
        self.folder: Path | None = None
        self.run_id, self.attempt = run_id, retries
        self.remains: dict[str, Any] | None = None  # the result of a training that was cancelled or that failed
        if not run_id:
            return
        RECENT.drop(run_id)  # the run starts over, or continues
        # addresses are different each time, and a run that continues may get more time
        rest = {k: v for k, v in request.items() if k not in ("run_id", "sources", "time_limit")}
        text = json.dumps(rest, sort_keys=True, default=str)
        key = hashlib.sha256(json.dumps([run_id, hashlib.sha256(text.encode()).hexdigest()]).encode()).hexdigest()
        runs = (root or data.folder()) / "runs"
        self.folder = runs / key
        self._prune(runs)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            before = int(self._read("attempts") or 0)
            self.attempt = max(before, retries)
            data.write(self.folder / "attempts", str(self.attempt + 1).encode())
            data.write(self._of_id(runs, run_id) / "id", key.encode())
        except (OSError, ValueError):
            self.folder = None  # if the volume is full or gone, only the memory is lost, not the training

    @staticmethod
    def _of_id(runs: Path, run_id: str) -> Path:
        folder = runs / hashlib.sha256(json.dumps(["id", run_id]).encode()).hexdigest()
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @classmethod
    def collect(cls, run_id: str, root: Path | None = None) -> list[Any] | None:
        """Returns the events of the last job with that run_id. If it did not finish, they end where it was cancelled or
        failed, or at its last checkpoint if its worker was lost."""
        runs = (root or data.folder()) / "runs"
        try:
            key = (cls._of_id(runs, run_id) / "id").read_text()
        except OSError:
            return RECENT.get(run_id)
        if len(key) != 64 or not key.isalnum():
            return RECENT.get(run_id)
        memory = cls.at(runs / key)
        memory.run_id = run_id
        finished = memory._events("whole.json") or memory.result() or RECENT.get(run_id)
        if finished or memory._time("left.json") >= memory._time("checkpoint.safetensors"):
            return finished or memory._events("left.json")
        return memory.saved() or memory._events("left.json")

    def _time(self, name: str) -> float:
        """Returns when a file was written; 0 if there is none."""
        try:
            return (self.folder / name).stat().st_mtime if self.folder else 0.0
        except OSError:
            return 0.0

    def saved(self) -> list[Any] | None:
        """Returns the events of a run whose worker was lost, up to its checkpoint."""
        found = self.load()
        if found is None or "about" not in found[1]:  # none, or from an older worker
            return None
        named, meta = found

        def part(name: str) -> dict[str, Any]:
            return {k[len(name) + 1 :]: v for k, v in named.items() if k.startswith(name + ".")}

        state = keep.State(part("model"), part("optimizer"), meta["epoch"], meta["batch"])
        if part("best"):
            state = keep.State(part("best"), part("best_optimizer"), meta["best_epoch"], best=meta["best_by"])
        result = {
            "operation": "train", "status": "stopped", "stopped": keep.FAILED, "run_id": self.run_id, "history": meta["history"],
            "model_state": tensors.save_state(state.model), "optimizer_state": tensors.save_state(state.optimizer),
            "weights": state.weights(), "seconds": meta["spent"], **meta["about"],
        }  # fmt: skip
        events: list[Any] = [{"type": "epoch", "epoch": e} for e in meta["history"]]
        return [{"type": e["type"], "run_id": self.run_id, "seq": i, **e} for i, e in enumerate([*events, *wire.finale(result)])]

    @classmethod
    def at(cls, folder: Path) -> Memory:
        """Returns the memory in a folder that another process has opened."""
        memory = cls("", {})
        memory.folder = folder
        return memory

    def _read(self, name: str) -> bytes | None:
        try:
            return (self.folder / name).read_bytes() if self.folder else None
        except OSError:
            return None

    def _prune(self, runs: Path) -> None:
        try:
            for old in runs.iterdir():
                if time.time() - old.stat().st_mtime > KEEP:
                    shutil.rmtree(old, ignore_errors=True)
        except OSError:
            pass

    def result(self) -> list[Any] | None:
        """Returns the events of the run, if it is finished."""
        return self._events("result.json")

    def _events(self, name: str) -> list[Any] | None:
        text = self._read(name)
        try:
            return json.loads(text) if text else None
        except ValueError:
            return None

    def leave(self, events: list[Any]) -> None:
        """Keeps the events of a run that was cancelled or that failed, for a client that collects it. The checkpoint stays,
        because the run may continue."""
        try:
            if self.folder is not None:
                data.write(self.folder / "left.json", json.dumps(events).encode())
                return
        except OSError:
            pass
        if self.run_id:
            RECENT.put(self.run_id, events)

    def finish(self, events: list[Any], whole: list[Any] | None = None) -> None:
        """Keeps the events of a finished run, and those with full states if they differ, for a client that collects the run."""
        if self.folder is None:
            return
        try:
            if whole is not None:
                data.write(self.folder / "whole.json", json.dumps(whole).encode())
            data.write(self.folder / "result.json", json.dumps(events).encode())
            for name in ("checkpoint.safetensors", "left.json"):
                (self.folder / name).unlink(missing_ok=True)
        except OSError:
            pass

    def save(self, named: dict[str, Any], meta: dict[str, Any]) -> bool:
        """Writes a checkpoint. It returns False if there is no memory or the volume cannot be written."""
        if self.folder is None:
            return False
        text = torch.frombuffer(bytearray(json.dumps(meta).encode()), dtype=torch.uint8)
        try:
            data.write(self.folder / "checkpoint.safetensors", tensors.save_safetensors({**named, "meta": text}))
        except OSError:
            return False
        return True

    def load(self) -> tuple[Any, ...] | None:
        """Returns (tensors, meta) of the checkpoint; a damaged one counts as missing."""
        raw = self._read("checkpoint.safetensors")
        if not raw:
            return None
        try:
            named = tensors.load_safetensors(raw, "checkpoint")
            return named, json.loads(bytes(named.pop("meta").tolist()))
        except (JobError, ValueError, KeyError):
            return None
