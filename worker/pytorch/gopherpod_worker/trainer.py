"""The state of a run and its loop: epochs of mini-batches, validation, early stopping, checkpoints.

A Trainer does the same on every device (README.md, "What a seed means"). step.py, graph.py and together.py compute one
batch.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import torch

from . import device as devices
from . import evaluate, graph, losses, models, optim, source, tensors
from .data import Arrays, Feed
from .graph import Guarded
from .keep import AT_LIMIT, FAILED, INTERRUPTED, Clock, Kept, State
from .runs import Memory
from .step import Eager, Run
from .team import Alone, Flag, Late, Stopped, Team
from .together import Together
from .wire import Emit, JobError, Request, invalid, number

BATCH_EVENTS = 0.5  # seconds between two batch events
Pair = tuple[torch.Tensor, torch.Tensor]  # samples and labels
Named = dict[str, torch.Tensor]


class Trainer:
    def __init__(
        self, request: Request, arrays: Arrays, emit: Emit, stop: Flag, memory: Memory | None = None, team: Team | None = None, clock: Clock | None = None
    ):
        h = self.hyper = request.hyper
        self.request, self.emit, self.stop, self.memory = request, emit, stop, memory
        self.team: Team = team or Alone()
        self.device = devices.choose(h.precision, self.team.rank)
        data = request.training_data
        assert data is not None  # wire.parse refused the request otherwise
        x = arrays.features(data)
        self.model, self.spec, shape = models.build(request.model, tuple(x.shape[1:]), h.seed, not x.is_floating_point())
        self.functions, self.output = source.of(self.model), shape
        self.loss = losses.Loss(h, shape, self.functions)
        x = models.inputs(x, request.model, self.spec, data.features.path)
        y = self.loss.labels(arrays.labels(data, len(x)), data.labels_path)
        (x, y), held = self._validation(arrays, x, y)
        if request.model_state:
            models.load(self.model, tensors.load_state(request.model_state, "model_state"))
        self._check_batches(len(x), tuple(x.shape[1:]))
        self.loss.to(self.device.torch)
        self.device.place(self.model)
        if self.functions != source.NONE:
            self._rehearse(x[:2], y[:2])
        room = devices.memory_free(self.device.torch)
        self.feed = Feed(x, y, self.device.torch, room)
        self.held = Feed(*held, self.device.torch, room // 2) if held else None
        self.size = min(h.batch_size or len(x), len(x))
        self.batches = len(x) // self.size if h.drop_last else math.ceil(len(x) / self.size)
        self.samples = min(self.batches * self.size, len(x))  # in an epoch
        self.stepper = stepper(self)
        self.stepper.measures = self.functions.metrics is not None and self.held is None
        self.optimizer = self.stepper.optimizer
        if self.functions.configure_optimizer is not None:  # its first group stands for all
            h = self.hyper = self.stepper.hyper = replace(h, learning_rate=self.optimizer.param_groups[0]["initial_lr"])
        self.rate = optim.Rate(h, request.start_epoch, self.batches)
        self.step = 0  # batches done, over all continuations
        if request.optimizer_state:
            self._load_optimizer(tensors.load_state(request.optimizer_state, "optimizer_state"))
        self.epoch, self.end = request.start_epoch, request.start_epoch + h.epochs  # counted from 0
        self.batch = 0  # where a resumed epoch continues, with these sums and this random state
        self.sums: list[float] | None = None
        self.custom: dict[str, float] = {}
        self.rng: tuple[torch.Tensor, torch.Tensor | None] | None = None
        self.history: list[dict[str, Any]] = []
        self.kept = Kept(h)
        self.remains: dict[str, Any] | None = None  # the result of a training that was cancelled or that failed
        self.clock = clock or Clock(request.time_limit)
        self.clock.states(3 * models.parameters(self.model))
        self.spent, self.saved = 0.0, time.monotonic()
        self.told = 0.0

    @torch.no_grad()
    def _rehearse(self, x: torch.Tensor, y: torch.Tensor) -> None:
        """Calls the source's functions with two samples, so that a mistake in them shows before an epoch is over."""
        state = torch.get_rng_state()
        x, y = x.to(self.device.torch), y.to(self.device.torch)
        with self.device.autocast():
            outputs = source.floats(self.model.eval()(self.functions.augmented(x, self.hyper.seed)))
        if self.loss.own:
            self.loss.mean(outputs, y)
        if self.functions.metrics is not None:
            self.functions.measured(source.moved(outputs), y.cpu())
        torch.set_rng_state(state)

    def _validation(self, arrays: Arrays, x: torch.Tensor, y: torch.Tensor) -> tuple[Pair, Pair | None]:
        """Returns ((x, y) to train on, (x, y) held out or None)."""
        d, split = self.request.validation_data, self.hyper.validation_split
        if d is not None and split:
            raise invalid("hyperparameters.validation_split", "there is validation_data already")
        if d is not None:
            xv = arrays.features(d)
            if xv.shape[1:] != x.shape[1:]:
                raise invalid(d.features.path, f"samples of {list(xv.shape[1:])}, but the training data have {list(x.shape[1:])}")
            xv = models.inputs(xv, self.request.model, self.spec, d.features.path)
            return (x, y), (xv, self.loss.labels(arrays.labels(d, len(xv)), d.labels_path))
        if not split:
            return (x, y), None
        n = len(x)
        count = max(int(n * split), 1)
        if count >= n:
            raise invalid("hyperparameters.validation_split", f"{split} of {n} samples leaves nothing to train on")
        order = torch.randperm(n, generator=torch.Generator().manual_seed(self.hyper.seed)) if self.hyper.shuffle else torch.arange(n)
        kept, held = order[: n - count], order[n - count :]
        return (x[kept], y[kept]), (x[held], y[held])

    def _check_batches(self, n: int, sample: tuple[int, ...]) -> None:
        """Refuses a batch of one sample, mostly a last one, if a norm would take its variance (Hyperparameters.CheckBatches in Go)."""
        size = min(self.hyper.batch_size or n, n)
        if self.spec["type"] == "python" or (size > 1 and (n % size != 1 or self.hyper.drop_last)):
            return
        least, what = models.smallest_batch(self.model, sample)
        if least > 1:
            text = f"batch_size {size} leaves a batch of 1 sample of {n}, too small for {what}, which takes its variance; choose another"
            if size > 1:
                text += ", or leave that batch out with drop_last"
            raise invalid("hyperparameters.batch_size", text)

    def _load_optimizer(self, state: Named) -> None:
        self.step = optim.load(self.optimizer, self.model, state, self.hyper)
        self.rate.load(state)

    # The loop ------------------------------------------------------------------

    def run(self) -> dict[str, Any]:
        """Trains to the end, or until there is no time left; raises Stopped, or JobError if the loss is no longer finite."""
        self._resume()
        start = time.monotonic()
        why = ""
        try:
            while self.epoch < self.end and not why:
                why = self._epoch()
        except Late:
            self.spent += time.monotonic() - start
            state = self._salvaged(running=True)
            if state is None:
                raise JobError("Unsupported", "the job's time limit leaves no time for a batch; give it more") from None
            return self._result(AT_LIMIT, state)
        except Stopped:
            if self.team.size == 1:  # in a team, each process has its own sums within an epoch
                self._checkpoint()
            self._leave(INTERRUPTED, start)
            raise
        except Exception:
            self._leave(FAILED, start)
            raise
        self.spent += time.monotonic() - start
        state = self._chosen()
        if not state.finite():  # the loss of the last step is never computed
            self._leave(FAILED, time.monotonic())
            raise JobError(
                "Diverged", f"weights are not finite after epoch {self.epoch}; a smaller learning_rate or clip_norm may help", "hyperparameters.learning_rate"
            )
        return self._result(why, state)

    def _leave(self, why: str, start: float) -> None:
        """Keeps the result of a training that ended too soon. If memory ran out or the device is gone, there may be none."""
        self.spent += time.monotonic() - start
        try:
            state = self._salvaged(running=why == INTERRUPTED)
            self.remains = self._result(why, state) if state else None
        except Exception:
            self.remains = None

    def _salvaged(self, running: bool) -> State | None:
        """Returns the weights of a training that ended too soon. If it was stopped from outside, its current weights are complete."""
        if running and (self.epoch > self.request.start_epoch or self.batch):
            state = self._chosen()
            if state.finite():
                return state
        return self.kept.state

    def _chosen(self) -> State:
        return self.kept.state if self.kept.best and self.kept.state else self._state()

    def _state(self) -> State:
        return State(models.state(self.model), self._optimizer_state(), self.epoch, self.batch)

    def _epoch(self) -> str:
        """Trains one epoch. Returns why training stops after it, or ""."""
        begun = time.monotonic()
        if self.epoch > self.request.start_epoch:
            self.team.look(self.stop, self.clock.late(self.team.every, validation=self.team.size > 1))
        loss, accuracy, lr = self._train_epoch()
        record: dict[str, Any] = {"epoch": self.epoch + 1, "epochs": self.end, "loss": number(loss)}
        if accuracy is not None:
            record["accuracy"] = number(accuracy)
        value = None
        if self.stepper.custom:
            record["custom"] = {k: number(v / self.samples) for k, v in self.stepper.custom.items()}
        if self.held is not None:
            value, hits, custom = self.validate()
            record["val_loss"] = number(value)
            if custom:
                record["val_custom"] = {k: number(v) for k, v in custom.items()}
            if hits is not None:
                record["val_accuracy"] = number(hits)
        record |= {"learning_rate": number(lr), "seconds": number(time.monotonic() - begun), "samples": self.samples}
        self.epoch, self.batch, self.sums = self.epoch + 1, 0, None
        self.history.append(record)
        self.emit({"type": "epoch", "epoch": record})
        if not math.isfinite(loss):
            raise JobError("Diverged", f"the loss of epoch {self.epoch} is {number(loss)}; a smaller learning_rate or clip_norm may help")
        self.rate.epoch_done(value if value is not None else loss)
        why = self.kept.note(*self.kept.monitored(loss, value), self.epoch >= self.end, self._state)
        self._maybe_checkpoint()
        return why

    def _train_epoch(self) -> tuple[float, float | None, float]:
        """Returns (mean loss, share of correct samples or None, learning rate of the last batch)."""
        h, e = self.hyper, self.epoch
        generator = torch.Generator().manual_seed(h.seed + 1 + e)
        order = torch.randperm(self.feed.samples, generator=generator) if h.shuffle else torch.arange(self.feed.samples)
        order = order[: self.samples]
        torch.manual_seed(h.seed + 1 + e)
        if self.team.rank:
            torch.manual_seed(h.seed + 1 + e + (self.team.rank << 40))  # each rank has masks of its own; the order is the same for all
        self.model.train()
        sums = self.stepper.begin(self.sums)
        self.stepper.custom, self.custom = self.custom, {}
        if self.batch and self.rng is not None:
            self._set_rng(self.rng)
        lr, first = self.rate.at(e, max(self.step - 1, 0)), self.batch
        self.clock.start()
        for x, y in self.stepper.batches(order, first):
            lr = self.rate.at(e, self.step)
            self.stepper.rate(lr)
            self.stepper.seed = h.seed + 1 + e + (self.step << 20)
            try:
                self.stepper.step(x, y)
            except ValueError as error:
                if "more than 1 value per channel" not in str(error):
                    raise
                raise invalid("hyperparameters.batch_size", f"a batch of {len(x)} sample is too small for batch norm; choose another size") from None
            self.step += 1
            self.batch += 1
            self.clock.tick()
            more = self.batch < self.batches
            self.team.look(self.stop, more and self.clock.late(self.team.every, validation=self.team.size > 1))
            now = time.monotonic()
            if now - self.told > BATCH_EVENTS and more:
                self.told = now
                seen = min(self.batch * self.size, self.samples)
                progress = {"epoch": e + 1, "batch": self.batch, "batches": self.batches, "loss": number(sums.read()[0] * self.team.size / seen)}
                self.emit({"type": "batch", "batch": progress})
                self._maybe_checkpoint(inside=True)
        total, right = self.team.add(sums.read())
        n = self.samples
        return total / n, right / n if self.loss.classifies else None, lr

    def validate(self) -> tuple[float, float | None, dict[str, float]]:
        """Returns (mean loss, share of correct samples or None, the source's metrics)."""
        assert self.held is not None  # asked for only with a validation set
        begun = time.monotonic()
        alone = self.team.size == 1  # with several processes a check is a message between all, and they have different numbers of slices
        look = (lambda: self.team.look(self.stop, self.clock.late(0))) if alone else (lambda: None)
        size = max(self.size, evaluate.BATCH)
        keep = self.functions.metrics is not None and alone
        loss, hits, kept = evaluate.measure(self.model, self.loss, self.held, self.device, size, keep=keep, team=self.team, look=look)
        custom = self.functions.measured(source.joined(out for out, _ in kept), torch.cat([y for _, y in kept])) if keep else {}
        self.clock.validation = time.monotonic() - begun
        return loss, hits, custom

    # State -----------------------------------------------------------------------

    def _optimizer_state(self) -> Named:
        return {**optim.state(self.optimizer, self.model, self.step), **self.rate.state()}

    def _result(self, why: str, state: State) -> dict[str, Any]:
        out = {
            "operation": "train",
            "status": "stopped" if why else "success",
            "run_id": self.request.run_id,
            "history": self.history,
            "model_state": tensors.save_state(state.model),
            "optimizer_state": tensors.save_state(state.optimizer),
            "weights": state.weights(),
            "seconds": number(self.spent),
            **self._about(),
        }
        if why:
            out["stopped"] = why
        return out

    def _about(self) -> dict[str, Any]:
        """Returns what a result says about the model and where it was trained."""
        return {
            "model_config": self.spec,
            "parameters": models.parameters(self.model),
            **({"output": list(self.output)} if self.spec["type"] == "python" else {}),
            "device_used": self.device.name,
            "precision": self.device.precision,
        }

    def _maybe_checkpoint(self, inside: bool = False) -> None:
        if self.memory is None or self.memory.folder is None or self.epoch >= self.end or self.team.rank or (inside and self.team.size > 1):
            return
        every, waited = self.hyper.checkpoint, time.monotonic() - self.saved
        by_epochs = not inside and every.epochs and self.epoch % every.epochs == 0
        if by_epochs or (every.seconds and waited >= every.seconds):
            self._checkpoint()

    def _checkpoint(self) -> None:
        """Saves everything that the next batch depends on, bit by bit."""
        if self.memory is None or self.team.rank:
            return
        named = {f"model.{k}": v for k, v in models.state(self.model).items()}
        named |= {f"optimizer.{k}": v for k, v in self._optimizer_state().items()}
        best = self.kept.state if self.kept.best else None
        if best:
            named |= {f"best.{k}": v for k, v in best.model.items()} | {f"best_optimizer.{k}": v for k, v in best.optimizer.items()}
        named["rng"] = torch.get_rng_state()
        if self.device.cuda:
            named["rng_cuda"] = torch.cuda.get_rng_state(self.device.torch)
        meta = {
            "epoch": self.epoch,
            "batch": self.batch,
            "sums": [float(v) for v in self.stepper.sums.read()] if self.batch else None,
            "custom": self.stepper.custom if self.batch else {},
            "history": self.history,
            "best_value": number(self.kept.lowest),
            "best_epoch": best.epoch if best else 0,
            "best_by": best.best if best else "",
            "waited": self.kept.waited,
            "spent": self.spent,
            "about": self._about(),
        }
        if self.memory.save(named, meta):
            self.saved = time.monotonic()
            self.emit({"type": "checkpoint", "message": f"epoch {self.epoch}, batch {self.batch}"})

    def _resume(self) -> None:
        """Continues from the checkpoint of an earlier delivery of this run, and sends its epochs again."""
        found = self.memory.load() if self.memory else None
        if found is None:
            return
        named, meta = found

        def part(name: str) -> Named:
            return {k[len(name) + 1 :]: v for k, v in named.items() if k.startswith(name + ".")}

        models.load(self.model, part("model"), "checkpoint")
        self._load_optimizer(part("optimizer"))
        self.epoch, self.batch, self.sums = meta["epoch"], meta["batch"], meta["sums"]
        self.custom = meta.get("custom", {})
        self.history, self.kept.waited, self.spent = meta["history"], meta["waited"], meta["spent"]
        self.kept.lowest = float(meta["best_value"])
        if part("best"):
            self.kept.state = State(part("best"), part("best_optimizer"), meta["best_epoch"], best=meta.get("best_by", "loss"))
        self.rng = (named["rng"], named.get("rng_cuda"))
        for record in self.history:
            self.emit({"type": "epoch", "epoch": record})
        self.emit({"type": "log", "message": f"taken up again at epoch {self.epoch + 1}, batch {self.batch + 1}"})

    def _set_rng(self, rng: tuple[torch.Tensor, torch.Tensor | None]) -> None:
        torch.set_rng_state(rng[0])
        if rng[1] is not None and self.device.cuda:
            torch.cuda.set_rng_state(rng[1], self.device.torch)




def stepper(run: Run) -> Eager:
    """Returns how to compute a batch of this job; accelerate is auto, off, graph or compile."""
    if run.team.size > 1:
        return Together(run)
    if run.hyper.accelerate in ("auto", "graph") and graph.graphable(run):
        return Guarded(run)
    return Eager(run)
