"""What RunPod's SDK calls for each job.

    main()     the command line of ../handler.py and of gopherpod-worker

The kind of the function tells the SDK whether a job streams: the yields of an
async generator become the stream, and their list is the output; the value of a
coroutine is the output. train streams; the other operations answer with the object
that the predecessor documented. So one worker needs both. Because the SDK looks at
config["handler"] for each job, it gets a config for each job (see per_job). If a
later SDK does not do that, every job goes through the generator: the same objects,
in a list.

A thread computes, one job at a time. The event loop stays free for heartbeats and
for cancellation, which sets a flag that the job checks after each batch.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from . import device as devices
from . import isolated, models, operations, wire
from .runs import ANSWERS, Memory
from .wire import HISTORY, JobError, clean, finale

ATTEMPT = 10_000_000  # the events of the n-th redelivery are numbered from n times this, so that no number repeats
BACKLOG = 32  # epochs that may still wait when training is over; see settled
MAX_OUTPUT = 18_000_000  # RunPod refuses results above 20 MB; parts beyond this are only in the stream

Events = AsyncIterator[dict[str, Any]]
Handle = Callable[[Any, dict[str, Any], dict[str, Any]], Awaitable[Any]]

_one_at_a_time = asyncio.Lock()


class Work:
    """One job in its thread, and the queue of its events."""

    def __init__(self, job: dict[str, Any]):
        self.input = job.get("input")
        self.stop = operations.Stop()
        self.loop = asyncio.get_running_loop()
        self.events: deque[dict[str, Any]] = deque()  # guarded by lock
        self.lock, self.news = threading.Lock(), asyncio.Event()
        run_id = self.input.get("run_id") if isinstance(self.input, dict) else None
        self.run_id = run_id if isinstance(run_id, str) and len(run_id) <= 128 else ""
        retries = job.get("retries")
        self.retries = retries if isinstance(retries, int) else 0
        self.memory: Memory | None = None
        self.done: asyncio.Future[dict[str, Any]] | None = None

    async def remember(self) -> list[Any] | None:
        """Opens the run's memory, away from the event loop. Returns the events if the run is finished."""

        def look() -> list[Any] | None:
            self.memory = Memory(self.run_id, self.input, retries=self.retries)
            return self.memory.result()

        return await self.loop.run_in_executor(None, look)

    def tell(self, event: dict[str, Any]) -> None:
        """Queues an event; the thread calls it. A newer event replaces a batch event that has not been sent yet."""
        with self.lock:
            if self.events and self.events[-1]["type"] == "batch":
                self.events.pop()
            self.events.append(event)
        self.loop.call_soon_threadsafe(self.news.set)

    def take(self) -> dict[str, Any] | None:
        """Returns the next event, or None."""
        with self.lock:
            return self.events.popleft() if self.events else None

    def settled(self, result: dict[str, Any] | None) -> None:
        """Drops waiting epochs when training is over. Each event is posted before the next, and a fast training is far ahead of
        its posts; the history of the done event holds these epochs anyway."""
        with self.lock:
            waiting = [e for e in self.events if e["type"] == "epoch"]
            if result is not None and len(waiting) > BACKLOG and len(result["history"]) <= HISTORY:
                self.events = deque(e for e in self.events if e["type"] not in ("epoch", "batch"))

    def start(self) -> asyncio.Future[dict[str, Any]]:
        self.done = self.loop.run_in_executor(None, operations.run, self.input, self.tell, self.stop, self.memory)
        self.done.add_done_callback(lambda _: self.news.set())
        return self.done

    async def end(self) -> None:
        """Stops the thread and waits until it has ended, which takes at most a batch."""
        if self.done is None:
            return
        self.stop.set()
        while not self.done.done():
            try:
                await asyncio.shield(asyncio.wait([self.done]))
            except asyncio.CancelledError:
                continue
        self.done.exception()  # read it, or asyncio logs that it was never retrieved


def streams(job: dict[str, Any]) -> bool:
    value = job.get("input")
    return isinstance(value, dict) and value.get("operation") in ("train", "collect")


def failure(e: BaseException) -> dict[str, Any]:
    """Returns an error as the SDK posts it: {"error": text}, where the text is a JSON object (worker/errors.go)."""
    return {"error": operations.failure(e).json()}


async def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Answers a job that does not stream."""
    async with _one_at_a_time:
        if isolated.wanted(job):
            return await alone(job)
        work = Work(job)
        try:
            out: dict[str, Any] = clean(await asyncio.shield(work.start()))
            keep_answer(job, out)
            return out
        except Exception as e:
            return failure(e) | ({"refresh_worker": True} if devices.broken(e) else {})
        finally:
            await work.end()


async def alone(job: dict[str, Any]) -> dict[str, Any]:
    """Answers a job that does not stream from a process of its own."""
    async with aclosing(isolated.relay(job)) as values:
        async for value in values:
            keep_answer(job, value)
            return value
    return failure(isolated.crashed(0))


KEPT = ("evaluate", "predict", "train_epoch", "batch")  # other answers are cheap to ask for again


def keep_answer(job: dict[str, Any], out: dict[str, Any]) -> None:
    """Keeps an answer for a client to collect, because RunPod may refuse it and then call the job COMPLETED without output."""
    value = job.get("input")
    run_id = value.get("run_id") if isinstance(value, dict) else None
    if isinstance(run_id, str) and run_id and (operation := out.get("operation")) in KEPT:
        ANSWERS.put(run_id, wire.answered(run_id, operation, out))


async def stream(job: dict[str, Any], config: dict[str, Any] | None = None) -> Events:
    """Yields a job's events; for a job that does not stream, only its answer."""
    if not streams(job):
        yield await answer(job)
        return
    async with _one_at_a_time:
        if isolated.wanted(job):
            async with aclosing(isolated.relay(job, config)) as values:
                async for value in values:
                    yield value
            return
        work, teller = Work(job), None
        if job["input"]["operation"] == "collect":
            async for kept in collected(work, config):
                yield kept
            return
        try:
            earlier = await work.remember()
            teller = Teller(work, config)
            if earlier is not None:
                for told in earlier:
                    yield teller.event(told)
                return
            done = work.start()
            while not done.done():
                await work.news.wait()
                work.news.clear()
                while not done.done() and (event := work.take()) is not None:
                    yield teller.event(event)
            error = done.exception()
            result: dict[str, Any] = {} if error else clean(done.result())
            work.settled(None if error else result)
            while (event := work.take()) is not None:
                yield teller.event(event)
            if error is not None:
                leave(work, teller)  # before the client sees the failure and collects
                if config is not None and devices.broken(error):
                    config["refresh_worker"] = True
                yield failure(error)
                return
            whole = result.pop(operations.WHOLE, None)
            whole_events = teller.ending({**result, **whole}) if whole else None
            for last in finale(result):
                yield teller.event(last)
            if work.memory is not None:
                work.memory.finish(teller.told, whole_events)
        finally:
            await work.end()
            if teller is not None:
                leave(work, teller)


def leave(work: Work, teller: Teller) -> None:
    """Keeps the result of a training that was cancelled or that failed; see Memory.collect."""
    if work.memory is None or work.memory.remains is None:
        return
    result, work.memory.remains = clean(work.memory.remains), None
    while (event := work.take()) is not None:
        teller.event(event)
    for event in finale(result):
        teller.event(event)
    work.memory.leave(teller.told)


async def collected(work: Work, config: dict[str, Any] | None) -> Events:
    """Yields the events of a run that is kept, with their original numbers, or the answer of a job that did not train."""
    try:
        request = wire.parse(work.input)
    except JobError as e:
        yield failure(e)
        return
    kept = await work.loop.run_in_executor(None, Memory.collect, request.run_id) or ANSWERS.get(request.run_id)
    if kept is None:
        yield failure(JobError("MissingData", "this worker keeps no events of that run", "run_id"))
        return
    teller = Teller(work, config)
    for event in kept:
        teller.keep(event)
        yield event


class Teller:
    """Numbers events, and remembers them for a redelivery."""

    def __init__(self, work: Work, config: dict[str, Any] | None):
        self.run_id, self.config = work.run_id, config
        self.seq = work.memory.attempt * ATTEMPT if work.memory else 0
        self.told: list[Any] = []
        self.bytes = 0

    def event(self, event: dict[str, Any]) -> dict[str, Any]:
        event = {"type": event["type"], "run_id": self.run_id, "seq": self.seq, **{k: v for k, v in event.items() if k not in ("type", "run_id", "seq")}}
        self.seq += 1
        if event["type"] != "batch":
            self.told.append(event)
        self.keep(event)
        return event

    def ending(self, result: dict[str, Any]) -> list[Any]:
        """Returns the events so far and the last ones for that result, which are not sent."""
        end = [{"type": e["type"], "run_id": self.run_id, "seq": self.seq + i, **e} for i, e in enumerate(finale(result))]
        return [*self.told, *end]

    def keep(self, event: dict[str, Any]) -> None:
        """Tells the SDK, which checks before each event, whether to add the event to the final output."""
        if self.config is None:
            return
        size = len(event["part"]["data"]) if event["type"] == "part" else 2000
        fits = self.bytes + size < MAX_OUTPUT
        self.config["return_aggregate_stream"] = event["type"] != "batch" and (fits or event["type"] != "part")
        self.bytes += size if fits else 0


def per_job(handle_job: Handle) -> Handle:
    """Wraps RunPod's handle_job(session, config, job): each job gets a config that suits it."""

    async def handle(session: Any, config: dict[str, Any], job: dict[str, Any]) -> Any:
        own = dict(config)
        own["handler"] = answer
        if streams(job):

            async def bound(job: dict[str, Any]) -> Events:
                async for event in stream(job, own):
                    yield event

            own["handler"], own["return_aggregate_stream"] = bound, True
        try:
            return await handle_job(session, own, job)
        finally:
            if own.get("refresh_worker"):
                config["refresh_worker"] = True

    return handle


def start() -> None:
    # by default the SDK logs every output, including model states
    os.environ.setdefault("RUNPOD_LOG_LEVEL", "INFO")
    if models.allowed():
        isolated.hide()
    threading.Thread(target=devices.warm, name="warm", daemon=True).start()  # while the SDK loads and asks for a job
    import runpod
    from runpod.serverless.modules import rp_scale

    if callable(getattr(rp_scale, "handle_job", None)):
        rp_scale.handle_job = per_job(rp_scale.handle_job)
    else:
        print("gopherpod: this runpod SDK chooses handlers in another way; all answers come as lists", file=sys.stderr)
    runpod.serverless.start({"handler": stream, "return_aggregate_stream": True})


def self_test() -> int:
    """Trains, evaluates and predicts once with little data, to test the image."""
    data = {"features": [[i / 10, 1 - i / 10] for i in range(20)], "labels": [i % 2 for i in range(20)]}
    model = {"type": "sequential", "layers": [{"type": "linear", "out_features": 8}, {"type": "relu"}, {"type": "linear", "out_features": 2}]}
    told: list[Any] = []

    def run(value: dict[str, Any]) -> dict[str, Any]:
        return operations.run(value, told.append, operations.Stop())

    trained = run({"operation": "train", "protocol": 1, "model_config": model, "training_data": data, "hyperparameters": {"epochs": 3}})
    base = {"model_config": model, "model_state": trained["model_state"]}
    run({"operation": "train_epoch", "training_data": data, **base})
    run({"operation": "evaluate", "evaluation_data": data, **base})
    run({"operation": "predict", "input_data": data["features"], **base})
    info = run({"operation": "gpu_info"})["gpu_info"]
    print(f"self-test: {len([e for e in told if e['type'] == 'epoch'])} epochs on {trained['device_used']}, torch {info['torch_version']}: ok")
    return 0


def main() -> int:
    """Runs the command line; options that it does not know are the SDK's."""
    if "--self-test" in sys.argv[1:]:
        return self_test()
    start()
    return 0
