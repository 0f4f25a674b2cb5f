"""Training: epochs of mini-batches, validation, early stopping, checkpoints.

    train(...)        a whole job: the TrainResult, events on the way
    evaluate(...)     loss and metrics of a state
    predict(...)      outputs of a state

A Trainer is the state of a run and its loop. What it does is the same on every
device (README.md, "What a seed means"); how one batch is computed is step.py's
business.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Callable, Optional

import torch

import device as devices
import losses
import models
import optim
import step as steps
import tensors
from data import Arrays, Feed
from runs import Memory
from wire import JobError, Request, invalid, number

BATCH_EVENTS = 0.5  # seconds between two of them
EVALUATION_BATCH = 1024


class Stopped(Exception):
    """The job was cancelled; what there was is saved, and result is it, where one process trained."""

    result: Optional[dict] = None


class Trainer:
    def __init__(self, request: Request, arrays: Arrays, emit: Callable, stop, memory: Optional[Memory] = None, team=None):
        h = self.hyper = request.hyper
        self.request, self.emit, self.stop, self.memory = request, emit, stop, memory
        self.team = team or steps.Alone()
        self.device = devices.choose(h.precision, self.team.rank)
        x = arrays.features(request.training_data)
        self.model, self.spec, shape = models.build(request.model, tuple(x.shape[1:]), h.seed, not x.is_floating_point())
        self.loss = losses.Loss(h, shape)
        x = samples(x, request.model, self.spec, request.training_data.features.path)
        y = self.loss.labels(arrays.labels(request.training_data, len(x)), request.training_data.labels.path)
        held = self._validation(arrays, x, y)
        if request.model_state:
            models.load(self.model, tensors.load_state(request.model_state, "model_state"))
        (x, y), held = held
        self.loss.to(self.device.torch)
        self.device.place(self.model)
        room = devices.memory_free(self.device.torch)
        self.feed = Feed(x, y, self.device.torch, room)
        self.held = Feed(*held, self.device.torch, room // 2) if held else None
        self.size = min(h.batch_size or len(x), len(x))
        self.batches = math.ceil(len(x) / self.size)
        self.stepper = steps.make(self)
        self.optimizer = self.stepper.optimizer
        self.rate = optim.Rate(h, request.start_epoch, self.batches)
        self.step = 0  # batches done over all continuations
        if request.optimizer_state:
            self._load_optimizer(tensors.load_state(request.optimizer_state, "optimizer_state"))
        self.epoch, self.end = request.start_epoch, request.start_epoch + h.epochs  # counted from 0
        self.batch, self.sums = 0, None  # where a resumed epoch goes on
        self.history: list = []
        self.best, self.best_value, self.waited = None, math.inf, 0
        self.spent, self.saved = 0.0, time.monotonic()
        self.told = 0.0

    def _validation(self, arrays: Arrays, x: torch.Tensor, y: torch.Tensor) -> tuple:
        """((x, y) to train on, (x, y) held out or None)."""
        d, split = self.request.validation_data, self.hyper.validation_split
        if d is not None and split:
            raise invalid("hyperparameters.validation_split", "there is validation_data already")
        if d is not None:
            xv = arrays.features(d)
            if xv.shape[1:] != x.shape[1:]:
                raise invalid(d.features.path, f"samples of {list(xv.shape[1:])}, but the training data have {list(x.shape[1:])}")
            xv = samples(xv, self.request.model, self.spec, d.features.path)
            return (x, y), (xv, self.loss.labels(arrays.labels(d, len(xv)), d.labels.path))
        if not split:
            return (x, y), None
        n = len(x)
        count = max(int(n * split), 1)
        if count >= n:
            raise invalid("hyperparameters.validation_split", f"{split} of {n} samples leaves nothing to train on")
        order = torch.randperm(n, generator=torch.Generator().manual_seed(self.hyper.seed))
        kept, held = order[: n - count], order[n - count :]
        return (x[kept], y[kept]), (x[held], y[held])

    def _load_optimizer(self, state: dict) -> None:
        self.step = optim.load(self.optimizer, self.model, state, self.hyper)
        self.rate.load(state)

    # The loop ------------------------------------------------------------------

    def run(self) -> dict:
        """Trains to the end; raises Stopped, or JobError where the loss is no number any more."""
        self._resume()
        start = time.monotonic()
        why = ""
        try:
            while self.epoch < self.end and not why:
                why = self._epoch()
        except Stopped as e:
            if self.team.size == 1:  # a team's sums are apart within an epoch
                self._checkpoint(start)
                if self.memory is not None and self.memory.folder is not None:
                    self.spent += time.monotonic() - start
                    e.result = self._result("interrupted")
            raise
        self.spent += time.monotonic() - start
        return self._result(why)

    def _epoch(self) -> str:
        """One epoch; why training ends after it, if it does."""
        begun = time.monotonic()
        loss, accuracy, lr = self._train_epoch()
        record = {"epoch": self.epoch + 1, "epochs": self.end, "loss": number(loss)}
        if accuracy is not None:
            record["accuracy"] = number(accuracy)
        value = None
        if self.held is not None:
            value, hits = self.validate()
            record["val_loss"] = number(value)
            if hits is not None:
                record["val_accuracy"] = number(hits)
        record |= {"learning_rate": number(lr), "seconds": number(time.monotonic() - begun), "samples": self.feed.samples}
        self.epoch, self.batch, self.sums = self.epoch + 1, 0, None
        self.history.append(record)
        self.emit({"type": "epoch", "epoch": record})
        if not math.isfinite(loss):
            raise JobError("Diverged", f"the loss of epoch {self.epoch} is {number(loss)}; a smaller learning_rate or clip_norm may help")
        self.rate.epoch_done(value if value is not None else loss)
        why = self._early(value, loss)
        self._maybe_checkpoint()
        return why

    def _train_epoch(self) -> tuple:
        """(mean loss, share of right samples or None, learning rate of the last batch)."""
        h, e = self.hyper, self.epoch
        generator = torch.Generator().manual_seed(h.seed + 1 + e)
        order = torch.randperm(self.feed.samples, generator=generator) if h.shuffle else torch.arange(self.feed.samples)
        torch.manual_seed(h.seed + 1 + e)
        if self.team.rank:
            torch.manual_seed(h.seed + 1 + e + (self.team.rank << 40))  # masks of their own; the order is everybody's
        self.model.train()
        sums = self.stepper.begin(self.sums)
        if self.batch and self.rng is not None:
            self._set_rng(self.rng)
        lr, first = self.rate.at(e, max(self.step - 1, 0)), self.batch
        for x, y in self.stepper.batches(order, first):
            lr = self.rate.at(e, self.step)
            self.stepper.rate(lr)
            try:
                self.stepper.step(x, y)
            except ValueError as error:
                if "more than 1 value per channel" not in str(error):
                    raise
                raise invalid("hyperparameters.batch_size", f"a batch of {len(x)} sample is too small for batch norm; choose another size") from None
            self.step += 1
            self.batch += 1
            if self.team.stopped(self.stop):
                raise Stopped
            now = time.monotonic()
            if now - self.told > BATCH_EVENTS and self.batch < self.batches:
                self.told = now
                seen = min(self.batch * self.size, self.feed.samples)
                progress = {"epoch": e + 1, "batch": self.batch, "batches": self.batches, "loss": number(sums.read()[0] * self.team.size / seen)}
                self.emit({"type": "batch", "batch": progress})
                self._maybe_checkpoint(inside=True)
        total, right = self.team.add(sums.read())
        n = self.feed.samples
        return total / n, right / n if self.loss.classifies else None, lr

    def validate(self) -> tuple:
        return measure(self.model, self.loss, self.held, self.device, max(self.size, EVALUATION_BATCH), team=self.team)[:2]

    def _early(self, value: Optional[float], loss: float) -> str:
        rule = self.hyper.early_stopping
        if rule is None:
            return ""
        if rule.monitor == "val_loss" and value is None:
            raise invalid("hyperparameters.early_stopping.monitor", "there is no validation; give validation_data or validation_split")
        watched = loss if rule.monitor == "loss" or value is None else value
        if watched < self.best_value - rule.min_delta:
            self.best_value, self.waited = watched, 0
            self.best = (models.state(self.model), self._optimizer_state(), self.epoch)
            return ""
        self.waited += 1
        if self.waited < rule.patience or self.epoch >= self.end:
            return ""
        name = rule.monitor or ("val_loss" if value is not None else "loss")
        best = f"the state of epoch {self.best[2]} is kept" if self.best else "there was no finite value"
        return f"early stopping: {name} has not fallen for {self.waited} epochs; {best}"

    # State -----------------------------------------------------------------------

    def _optimizer_state(self) -> dict:
        return {**optim.state(self.optimizer, self.model, self.step), **self.rate.state()}

    def _result(self, why: str) -> dict:
        model, optimizer, _ = self.best or (models.state(self.model), self._optimizer_state(), 0)
        out = {
            "operation": "train",
            "status": "stopped" if why else "success",
            "run_id": self.request.run_id,
            "history": self.history,
            "model_config": self.spec,
            "model_state": tensors.save_state(model),
            "optimizer_state": tensors.save_state(optimizer),
            "parameters": models.parameters(self.model),
            "device_used": self.device.name,
            "precision": self.device.precision,
            "seconds": number(self.spent),
        }
        if why:
            out["stopped"] = why
        return out

    def _maybe_checkpoint(self, inside: bool = False) -> None:
        if self.memory is None or self.memory.folder is None or self.epoch >= self.end or self.team.rank or inside and self.team.size > 1:
            return
        every, waited = self.hyper.checkpoint, time.monotonic() - self.saved
        by_epochs = not inside and every.epochs and self.epoch % every.epochs == 0
        if by_epochs or every.seconds and waited >= every.seconds:
            self._checkpoint()

    def _checkpoint(self, start: Optional[float] = None) -> None:
        """Everything that the next batch depends on, to a bit."""
        if self.memory is None or self.team.rank:
            return
        named = {f"model.{k}": v for k, v in models.state(self.model).items()}
        named |= {f"optimizer.{k}": v for k, v in self._optimizer_state().items()}
        if self.best:
            named |= {f"best.{k}": v for k, v in self.best[0].items()} | {f"best_optimizer.{k}": v for k, v in self.best[1].items()}
        named["rng"] = torch.get_rng_state()
        if self.device.cuda:
            named["rng_cuda"] = torch.cuda.get_rng_state(self.device.torch)
        meta = {
            "epoch": self.epoch,
            "batch": self.batch,
            "sums": [float(v) for v in self.stepper.sums.read()] if self.batch else None,
            "history": self.history,
            "best_value": number(self.best_value),
            "best_epoch": self.best[2] if self.best else 0,
            "waited": self.waited,
            "spent": self.spent,
        }
        if self.memory.save(named, meta):
            self.saved = time.monotonic()
            self.emit({"type": "checkpoint", "message": f"epoch {self.epoch}, batch {self.batch}"})

    def _resume(self) -> None:
        """Goes on from the checkpoint of an earlier delivery of this run, telling its epochs again."""
        self.rng = None
        found = self.memory.load() if self.memory else None
        if found is None:
            return
        named, meta = found
        part = lambda name: {k[len(name) + 1 :]: v for k, v in named.items() if k.startswith(name + ".")}
        models.load(self.model, part("model"), "checkpoint")
        self._load_optimizer(part("optimizer"))
        self.epoch, self.batch, self.sums = meta["epoch"], meta["batch"], meta["sums"]
        self.history, self.waited, self.spent = meta["history"], meta["waited"], meta["spent"]
        self.best_value = float(meta["best_value"])
        if part("best"):
            self.best = (part("best"), part("best_optimizer"), meta["best_epoch"])
        self.rng = (named["rng"], named.get("rng_cuda"))
        for record in self.history:
            self.emit({"type": "epoch", "epoch": record})
        self.emit({"type": "log", "message": f"taken up again at epoch {self.epoch + 1}, batch {self.batch + 1}"})

    def _set_rng(self, rng: tuple) -> None:
        torch.set_rng_state(rng[0])
        if rng[1] is not None and self.device.cuda:
            torch.cuda.set_rng_state(rng[1], self.device.torch)


def samples(x: torch.Tensor, model, spec: dict, path: str) -> torch.Tensor:
    """Samples as the model's first layer wants them: an embedding gets checked integers, anything else floats."""
    if not models.embeds(model):
        return x.to(torch.float32)
    limit = spec["layers"][0]["num_embeddings"]
    whole = x.to(torch.int64)
    if not bool((whole == x).all()) or int(whole.min()) < 0 or int(whole.max()) >= limit:
        raise invalid(path, f"the embedding wants integers from 0 to {limit - 1}")
    return whole


# A whole job -----------------------------------------------------------------------


def train(request: Request, arrays: Arrays, emit: Callable, stop, memory: Optional[Memory] = None) -> dict:
    """The TrainResult of a train job. With on_oom "halve" a batch that does not fit is halved until it does."""
    while True:
        trainer = None
        try:
            trainer = Trainer(request, arrays, emit, stop, memory)
            if trainer.device.reason and request.start_epoch == 0:
                emit({"type": "log", "message": f"{trainer.device.name}, {trainer.device.precision} ({trainer.device.reason}); {trainer.stepper.about}"})
            return trainer.run()
        except steps.NotRecordable as e:
            del trainer
            request = replace(request, hyper=replace(request.hyper, accelerate="off"))
            emit({"type": "log", "message": f"no CUDA graph of this model ({e}); going on without"})
        except Exception as e:
            if not devices.out_of_memory(e):
                raise
            done = len(trainer.history) if trainer else 0
            size = trainer.size if trainer else request.hyper.batch_size
            del trainer
            devices.forget(e)
            devices.release()
            if request.hyper.on_oom != "halve" or size <= 1 or done:
                raise devices.memory_error(e, size, *steps.fitting(request, arrays, size)) from None
            request = replace(request, hyper=replace(request.hyper, batch_size=size // 2))
            emit({"type": "log", "message": f"batch_size {size} does not fit in memory; going on with {size // 2}"})


def train_epoch(request: Request, arrays: Arrays, emit: Callable, stop) -> dict:
    """One epoch, the predecessor's request and response."""
    request = replace(request, hyper=replace(request.hyper, epochs=1))
    out = train(request, arrays, lambda event: None, stop)
    record = out["history"][-1]
    metrics = {"loss": record["loss"], "samples_processed": record["samples"], "device_used": out["device_used"]}
    if "accuracy" in record:
        metrics["accuracy"] = record["accuracy"]
    return {
        "operation": "train_epoch",
        "metrics": metrics,
        "model_state": out["model_state"],
        "optimizer_state": out["optimizer_state"],
        "status": "success",
    }


# Evaluation -------------------------------------------------------------------------


@torch.no_grad()
def measure(model, loss: losses.Loss, feed: Feed, device: devices.Device, size: int, keep: bool = False, team=None) -> tuple:
    """(mean loss over all samples, share of right ones or None, outputs and labels on the CPU if kept)."""
    model.eval()
    total, norm, right, kept = 0.0, 0.0, 0.0, []
    team = team or steps.Alone()
    for i, (x, y) in enumerate(feed.slices(size)):
        if i % team.size != team.rank:
            continue
        with device.autocast():
            out = model(x)
        weight = loss.norm(y)
        norm += weight
        if weight:
            total = total + loss.mean(out, y).double() * weight
        if loss.classifies:
            right = right + loss.correct(out, y).double()
        if keep:
            kept.append((out.float().cpu(), y.cpu()))
    n = feed.samples
    total, norm, right = team.add((float(total), norm, float(right)))
    return total / norm if norm else 0.0, right / n if loss.classifies else None, kept


def ready(request: Request, x: torch.Tensor, path: str) -> tuple:
    """(model with the request's state on its device, loss, device, samples)."""
    model, spec, shape = models.build(request.model, tuple(x.shape[1:]), request.hyper.seed, not x.is_floating_point())
    models.load(model, tensors.load_state(request.model_state, "model_state"))
    device = devices.choose(request.hyper.precision)
    return device.place(model).eval(), shape, device, samples(x, request.model, spec, path)


def sized(job: Callable, size: int):
    """job(size), with half the size whenever memory runs out: the size of an evaluation changes no result."""
    while True:
        try:
            return job(size)
        except Exception as e:
            if not devices.out_of_memory(e) or size <= 1:
                raise
            devices.forget(e)
            devices.release()
            size //= 2


def evaluate(request: Request, arrays: Arrays, emit: Callable, stop) -> dict:
    d = request.evaluation_data
    x = arrays.features(d)
    model, shape, device, x = ready(request, x, d.features.path)
    loss = losses.Loss(request.hyper, shape)
    y = loss.labels(arrays.labels(d, len(x)), d.labels.path)
    loss.to(device.torch)
    feed = Feed(x, y, device.torch, devices.memory_free(device.torch))
    value, right, kept = sized(lambda size: measure(model, loss, feed, device, size, keep=True), EVALUATION_BATCH)
    metrics = {"loss": number(value), "samples_processed": len(x), "device_used": device.name}
    if right is not None:
        metrics["accuracy"] = number(right)
    loss.to("cpu")
    out, y = (torch.cat(parts) for parts in zip(*kept))
    return {"operation": "evaluate", "metrics": {**metrics, **losses.evaluation(loss, out, y, request.hyper.top_k)}, "status": "success"}


@torch.no_grad()
def predict(request: Request, arrays: Arrays, emit: Callable, stop, upload: Callable = lambda t: None) -> dict:
    x = arrays.features(request.input_data)
    model, _, device, x = ready(request, x, request.input_data.features.path)

    def outputs(size: int) -> torch.Tensor:
        parts = []
        for i in range(0, len(x), size):
            if stop.is_set():
                raise Stopped
            with device.autocast():
                parts.append(model(x[i : i + size].to(device.torch)).float().cpu())
        return torch.cat(parts)

    out = sized(outputs, EVALUATION_BATCH)
    if uploaded := upload(out):
        return {"operation": "predict", "uploaded": uploaded, "status": "success"}
    if request.protocol:
        return {"operation": "predict", "predictions": {"tensor": "predictions"}, "tensors": tensors.encode({"predictions": out}), "status": "success"}
    return {"operation": "predict", "predictions": tensors.to_list(out), "status": "success"}
