"""Several GPUs: one process each, PyTorch's DistributedDataParallel between them.

    train(...)     in the worker: starts the processes, passes their events on
    main(folder)   in a process: rank from the environment
    Team           what the ranks agree on: stopping, sums
    Together       a batch's step: each rank takes its share of the batch

A batch is divided among the ranks and the gradients are added up, so that the
result is one GPU's up to the order of summation (batch norm is synchronised on
GPUs; on CPU processes, which are for tests, each has its own). The processes
share a folder: the request, the events and the result are JSON in it and on a
pipe; nothing is pickled. Checkpoints are taken at the end of epochs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable, Optional

import torch
import torch.distributed as dist

import data
import device as devices
from runs import Memory
from wire import JobError, Request, unsupported

GRACE = 60.0  # seconds that the ranks have to stop by themselves
LOOK = 4  # batches between two looks at the stop flag: a look is a message between all


def world(request: Request) -> int:
    """How many processes a job gets."""
    have = torch.cuda.device_count() if torch.cuda.is_available() else int(os.environ.get("GOPHERPOD_CPU_RANKS", "1"))
    want = request.hyper.gpus or have
    if want > have > 1 or want > 1 and have < 2:
        raise unsupported("hyperparameters.gpus", f"{want} are asked for, this worker has {have if have > 1 or torch.cuda.is_available() else 0}")
    if want > 1 and request.hyper.optimizer == "lbfgs":
        raise unsupported("hyperparameters.gpus", "lbfgs searches on one GPU only")
    return max(want, 1)


# In the worker ---------------------------------------------------------------------


def train(value: dict, size: int, emit: Callable, stop, memory: Optional[Memory]) -> dict:
    """A train job in size processes."""
    with tempfile.TemporaryDirectory(prefix="gopherpod-ddp-") as name:
        folder = Path(name)
        (folder / "request.json").write_text(json.dumps(value))
        env = {**os.environ, "GOPHERPOD_STORE": str(data.folder()), "WORLD_SIZE": str(size), "GOPHERPOD_RUN": str(memory.folder or "") if memory else "", "PYTHONUNBUFFERED": "1"}
        if not torch.cuda.is_available():
            env["OMP_NUM_THREADS"] = str(max(torch.get_num_threads() // size, 1))
        ranks = []
        try:
            for rank in range(size):
                out = subprocess.PIPE if rank == 0 else subprocess.DEVNULL
                command = [sys.executable, str(Path(__file__).resolve()), name]
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
        return _outcome(folder, ranks)


def _pass_on(pipe, emit: Callable) -> None:
    for line in pipe:
        try:
            emit(json.loads(line))
        except ValueError:
            continue  # something that a library printed


def _wait(ranks: list, folder: Path, stop) -> None:
    """Until all have ended. When one fails the others wait for it in vain, so they are ended too."""
    asked = failed = 0.0
    while any(p.poll() is None for p in ranks):
        now = time.monotonic()
        if stop.is_set() and not asked:
            (folder / "stop").touch()
            asked = now
        if any(p.poll() not in (None, 0) for p in ranks) and not failed:
            failed = now
        if asked and now - asked > GRACE or failed and now - failed > 5:
            return
        time.sleep(0.02)


def _outcome(folder: Path, ranks: list) -> dict:
    import train as training

    if (folder / "result.json").exists():
        return json.loads((folder / "result.json").read_text())
    for rank in range(len(ranks)):
        path = folder / f"error-{rank}.json"
        if path.exists():
            e = json.loads(path.read_text())
            raise JobError(e["error_type"], e["error_message"], e.get("field", ""))
    if (folder / "stop").exists():
        raise training.Stopped
    raise JobError("InternalError", f"the GPU processes ended with {[p.returncode for p in ranks]}; the worker's log has more")


# In a process ------------------------------------------------------------------------


class Team:
    def __init__(self, rank: int, size: int, folder: Path):
        self.rank, self.size, self.flag = rank, size, folder / "stop"
        backend = "nccl" if torch.cuda.is_available() else "gloo"
        if backend == "nccl":
            torch.cuda.set_device(rank)
        dist.init_process_group(backend, init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=size)
        self.control = dist.new_group(backend="gloo")
        self.looks = 0

    def stopped(self, stop) -> bool:
        self.looks += 1
        if self.looks % LOOK:
            return False
        told = torch.tensor([1.0 if self.rank == 0 and self.flag.exists() else 0.0])
        dist.all_reduce(told, group=self.control)
        return bool(told.item())

    def add(self, values: tuple) -> tuple:
        t = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(t, group=self.control)
        return tuple(t.tolist())


def together(step):
    """The class Together; step is the module that it extends and that makes it."""

    class Together(step.Eager):
        def __init__(self, trainer):
            self.team = trainer.team
            cuda = trainer.device.cuda
            if cuda and any(isinstance(m, torch.nn.modules.batchnorm._BatchNorm) for m in trainer.model.modules()):
                trainer.model = torch.nn.SyncBatchNorm.convert_sync_batchnorm(trainer.model)
            super().__init__(trainer)
            self.forward = torch.nn.parallel.DistributedDataParallel(trainer.model, device_ids=[self.team.rank] if cuda else None)
            self.about += f", {self.team.size} processes"

        def batches(self, order: torch.Tensor, first: int):
            """Each rank's share of a batch, and the labels of all of it."""
            feed, size = self.t.feed, self.t.size
            order = order.to(feed.y.device)
            for i in range(first * size, len(order), size):
                whole = order[i : i + size]
                own = whole[self.team.rank :: self.team.size]
                share = len(own)
                x, y = feed.take(own if share else whole[:1])
                yield (x.to(feed.device, non_blocking=True), y.to(feed.device, non_blocking=True), share), feed.y[whole]

        def step(self, part: tuple, labels: torch.Tensor) -> None:
            x, y, share = part
            self.weight = self.loss.norm(y) / max(self.loss.norm(labels), 1e-30) if share else 0.0
            self.share, self.whole = share, len(labels)
            super().step(x, y)

        def backward(self, x: torch.Tensor, y: torch.Tensor) -> tuple:
            self.optimizer.zero_grad(set_to_none=True)
            with self.device.autocast():
                out = self.forward(x)
            loss = self.loss.mean(out, y)
            scaled = loss * (self.weight * self.team.size)  # DDP divides by the ranks
            (self.scaler.scale(scaled) if self.scaler is not None else scaled).backward()
            return out, loss

        def count(self, out: torch.Tensor, loss: torch.Tensor, y: torch.Tensor) -> None:
            if not self.share:
                return
            with torch.no_grad():
                self.sums.total.add_(loss, alpha=self.weight * self.whole)
                if self.loss.classifies:
                    self.sums.right.add_(self.loss.correct(out, y))

    return Together


def samples_a_second(history: list) -> float:
    """The best epoch's, behind the first, which warms up; 0 where there is none."""
    return max((h["samples"] / h["seconds"] for h in history[1:] if h["seconds"]), default=0.0)


class Flag:
    """The stop flag of a rank is the team's business."""

    def is_set(self) -> bool:
        return False


def main(name: str) -> int:
    folder = Path(name)
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    import train as training
    import wire

    def emit(event: dict) -> None:
        if rank == 0:
            print(json.dumps(event), flush=True)

    memory = Memory.at(Path(os.environ["GOPHERPOD_RUN"])) if os.environ.get("GOPHERPOD_RUN") else None
    size_tried = 0
    try:
        team = Team(rank, size, folder)
        request = wire.parse(json.loads((folder / "request.json").read_text()))
        arrays = data.Arrays(request.tensors, data.Store())
        trainer = training.Trainer(request, arrays, emit, Flag(), memory, team)
        size_tried = trainer.size
        emit({"type": "log", "message": f"{size} x {trainer.device.name}, {trainer.device.precision} ({trainer.device.reason}); {trainer.stepper.about}"})
        result = trainer.run()
        if rank == 0:
            if speed := samples_a_second(result["history"]):
                emit({"type": "log", "message": f"{speed:,.0f} samples a second together, {speed / size:,.0f} a process"})
            result["device_used"] = f"{size} x {trainer.device.name}"
            data.write(folder / "result.json", json.dumps(wire.clean(result)).encode())
        return 0
    except training.Stopped:
        return 0
    except Exception as e:
        if not isinstance(e, JobError) and devices.out_of_memory(e):
            e = devices.memory_error(e, size_tried)
        if not isinstance(e, JobError):
            import traceback

            traceback.print_exc()
            return 1
        data.write(folder / f"error-{rank}.json", e.json().encode())
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
