"""Several GPUs: one process each, PyTorch's DistributedDataParallel between them.

    world(...)     how many processes a job gets
    train(...)     in the worker: starts the processes and passes on their events
    main(folder)   in a process, whose rank comes from the environment

A batch is divided among the ranks and the gradients are added up, so that the
result equals that of one GPU except for the order of summation. Batch norm is
synchronized on GPUs; CPU processes, which are for tests, each have their own.
The processes share a folder. The request, the events and the result are JSON, in
the folder and on a pipe; nothing is pickled. Checkpoints are taken at the end of
epochs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import IO, Any

import torch

from . import data, wire
from . import device as devices
from .keep import Clock
from .runs import Memory
from .team import Flag, Never, Ranks, Stopped
from .trainer import Trainer
from .wire import Emit, JobError, Request, unsupported

PACKAGES = Path(__file__).resolve().parent.parent  # the processes find this package there
LEFT = "left.json"  # the result of a training that ended too soon
GRACE = 60.0  # seconds for the ranks to stop by themselves


def world(request: Request) -> int:
    """Returns how many processes a job gets."""
    have = torch.cuda.device_count() if torch.cuda.is_available() else int(os.environ.get("GOPHERPOD_CPU_RANKS", "1"))
    want = request.hyper.gpus or have
    if want > have > 1 or (want > 1 and have < 2):
        raise unsupported("hyperparameters.gpus", f"the job asks for {want}, this worker has {have if have > 1 or torch.cuda.is_available() else 0}")
    if want > 1 and request.hyper.optimizer == "lbfgs":
        raise unsupported("hyperparameters.gpus", "lbfgs runs on one GPU only")
    return max(want, 1)


# In the worker ---------------------------------------------------------------------


def train(value: dict[str, Any], size: int, emit: Emit, stop: Flag, memory: Memory | None, begun: float) -> dict[str, Any]:
    """Runs a train job in size processes; begun is when the job began."""
    with tempfile.TemporaryDirectory(prefix="gopherpod-ddp-") as name:
        folder = Path(name)
        (folder / "request.json").write_text(json.dumps(value))
        env = {
            **os.environ,
            "GOPHERPOD_STORE": str(data.folder()),
            "GOPHERPOD_RUN": str(memory.folder or "") if memory else "",
            "GOPHERPOD_BEGUN": str(begun),
            "WORLD_SIZE": str(size),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": os.pathsep.join(p for p in (str(PACKAGES), os.environ.get("PYTHONPATH")) if p),
        }
        if not torch.cuda.is_available():
            env["OMP_NUM_THREADS"] = str(max(torch.get_num_threads() // size, 1))
        ranks: list[subprocess.Popen[bytes]] = []
        try:
            for rank in range(size):
                out = subprocess.PIPE if rank == 0 else subprocess.DEVNULL
                command = [sys.executable, "-m", "gopherpod_worker.ddp", name]
                ranks.append(subprocess.Popen(command, env={**env, "RANK": str(rank), "LOCAL_RANK": str(rank)}, stdout=out))
            reader = threading.Thread(target=_pass_on, args=(ranks[0].stdout, emit), daemon=True)
            reader.start()
            _wait(ranks, folder, stop)
            reader.join(5)
        finally:
            for p in ranks:
                if p.poll() is None:
                    p.kill()
                p.wait()
                if p.stdout:
                    p.stdout.close()
        return _outcome(folder, ranks, memory)


def _pass_on(pipe: IO[bytes], emit: Emit) -> None:
    for line in pipe:
        try:
            emit(json.loads(line))
        except ValueError:
            continue  # something that a library printed


def _wait(ranks: list[subprocess.Popen[bytes]], folder: Path, stop: Flag) -> None:
    """Waits until all ranks have ended. If one fails, the others would wait for it in vain, so they are stopped too."""
    asked = failed = 0.0
    while any(p.poll() is None for p in ranks):
        now = time.monotonic()
        if stop.is_set() and not asked:
            (folder / "stop").touch()
            asked = now
        if any(p.poll() not in (None, 0) for p in ranks) and not failed:
            failed = now
        if (asked and now - asked > GRACE) or (failed and now - failed > 5):
            return
        time.sleep(0.02)


def _outcome(folder: Path, ranks: list[Any], memory: Memory | None) -> dict[str, Any]:
    if memory is not None and (folder / LEFT).exists():
        memory.remains = json.loads((folder / LEFT).read_text())
    if (folder / "result.json").exists():
        result: dict[str, Any] = json.loads((folder / "result.json").read_text())
        return result
    for rank in range(len(ranks)):
        path = folder / f"error-{rank}.json"
        if path.exists():
            e = json.loads(path.read_text())
            raise JobError(e["error_type"], e["error_message"], e.get("field", ""))
    if (folder / "stop").exists():
        raise Stopped
    raise JobError("InternalError", f"the GPU processes ended with {[p.returncode for p in ranks]}; the worker's log has more")


# In a process ------------------------------------------------------------------------


def samples_a_second(history: list[dict[str, Any]]) -> float:
    """Returns the speed of the best epoch after the first, which is a warm-up; 0 if there is none."""
    return max((h["samples"] / h["seconds"] for h in history[1:] if h["seconds"]), default=0.0)


def main(name: str) -> int:
    folder = Path(name)
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])


    def emit(event: dict[str, Any]) -> None:
        if rank == 0:
            print(json.dumps(event), flush=True)

    memory = Memory.at(Path(os.environ["GOPHERPOD_RUN"])) if os.environ.get("GOPHERPOD_RUN") else None
    size_tried, trainer = 0, None
    try:
        team = Ranks(rank, size, folder)
        request = wire.parse(json.loads((folder / "request.json").read_text()))
        arrays = data.Arrays(request.tensors, data.Store())
        trainer = Trainer(request, arrays, emit, Never(), memory, team, Clock(request.time_limit, float(os.environ["GOPHERPOD_BEGUN"])))
        size_tried = trainer.size
        emit({"type": "log", "message": f"{size} x {trainer.device.name}, {trainer.device.precision} ({trainer.device.reason}); {trainer.stepper.about}"})
        result = trainer.run()
        if rank == 0:
            if speed := samples_a_second(result["history"]):
                emit({"type": "log", "message": f"{speed:,.0f} samples a second together, {speed / size:,.0f} a process"})
            result["device_used"] = f"{size} x {trainer.device.name}"
            data.write(folder / "result.json", json.dumps(wire.clean(result)).encode())
        return 0
    except Stopped:
        _leave(folder, rank, trainer)
        return 0
    except Exception as e:
        _leave(folder, rank, trainer)
        if not isinstance(e, JobError) and devices.out_of_memory(e):
            e = devices.memory_error(e, size_tried)
        if not isinstance(e, JobError):
            traceback.print_exc()
            return 1
        data.write(folder / f"error-{rank}.json", e.json().encode())
        return 1


def _leave(folder: Path, rank: int, trainer: Trainer | None) -> None:
    if rank == 0 and trainer is not None and trainer.remains is not None:
        data.write(folder / LEFT, json.dumps(wire.clean(trainer.remains)).encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
