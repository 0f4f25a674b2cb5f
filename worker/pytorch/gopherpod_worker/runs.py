"""What is kept of a run, so that a job that comes twice goes on or is answered from here.

RunPod delivers a job again when its worker was lost, and clients may send one
again. The folder of a run (data.folder()/runs/<digest of run_id>) holds

    attempts                  how often the run was delivered
    checkpoint.safetensors    where training stands; any batch, not only the end of an epoch
    result.json               the events of a finished run
    whole.json                the same with its states as they are, where they were told as differences
    left.json                 the events of a cancelled run, its states as they were
    id                        in the folder of a run_id alone: the folder of its last request

A run_id counts only together with the rest of its request.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

import torch

from . import data, tensors
from .wire import JobError

KEEP = 7 * 24 * 3600  # seconds


class Memory:
    """The memory of one run; without a run_id it remembers nothing."""

    def __init__(self, run_id: str, request: Any, root: Path | None = None, retries: int = 0):
        self.folder: Path | None = None
        self.attempt = retries
        if not run_id:
            return
        rest = {k: v for k, v in request.items() if k not in ("run_id", "sources")}  # an address is new each time
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
            self.folder = None  # a volume that is full or gone costs the memory, not the training

    @staticmethod
    def _of_id(runs: Path, run_id: str) -> Path:
        folder = runs / hashlib.sha256(json.dumps(["id", run_id]).encode()).hexdigest()
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @classmethod
    def collect(cls, run_id: str, root: Path | None = None) -> list[Any] | None:
        """The events of the last job with that run_id: finished, else as far as it came before it was cancelled."""
        runs = (root or data.folder()) / "runs"
        try:
            key = (cls._of_id(runs, run_id) / "id").read_text()
        except OSError:
            return None
        if len(key) != 64 or not key.isalnum():
            return None
        memory = cls.at(runs / key)
        return memory._events("whole.json") or memory.result() or memory._events("left.json")

    @classmethod
    def at(cls, folder: Path) -> Memory:
        """The memory in a folder that another process opened."""
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
        """The events of the run, if it is finished."""
        return self._events("result.json")

    def _events(self, name: str) -> list[Any] | None:
        text = self._read(name)
        try:
            return json.loads(text) if text else None
        except ValueError:
            return None

    def leave(self, events: list[Any]) -> None:
        """Keeps what a cancelled run came to, for who collects it. The checkpoint stays: the run may go on."""
        try:
            if self.folder is not None:
                data.write(self.folder / "left.json", json.dumps(events).encode())
        except OSError:
            pass

    def finish(self, events: list[Any], whole: list[Any] | None = None) -> None:
        """Keeps what was told of a finished run, and whole where that is something else: for who collects it."""
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
        """Writes a checkpoint; False where nothing is remembered or the volume refuses."""
        if self.folder is None:
            return False
        text = torch.frombuffer(bytearray(json.dumps(meta).encode()), dtype=torch.uint8)
        try:
            data.write(self.folder / "checkpoint.safetensors", tensors.save_safetensors({**named, "meta": text}))
        except OSError:
            return False
        return True

    def load(self) -> tuple[Any, ...] | None:
        """(tensors, meta) of the checkpoint; a damaged one counts as none."""
        raw = self._read("checkpoint.safetensors")
        if not raw:
            return None
        try:
            named = tensors.load_safetensors(raw, "checkpoint")
            return named, json.loads(bytes(named.pop("meta").tolist()))
        except (JobError, ValueError, KeyError):
            return None
