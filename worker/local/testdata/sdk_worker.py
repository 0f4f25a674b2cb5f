"""A RunPod worker for the interoperability tests. HANDLER selects its handler."""

import asyncio
import os
import time

import runpod


def plain(job):
    data = job["input"]
    if "fail" in data:
        raise ValueError(data["fail"])
    if "error" in data:
        return {"error": data["error"], "rest": 1}
    if "sleep" in data:
        time.sleep(data["sleep"])
    return {"echo": data, "worker": os.environ["RUNPOD_POD_ID"]}


def progress(job):
    for i in range(3):
        runpod.serverless.progress_update(job, f"step {i}")
        time.sleep(0.4)
    return "finished"


async def slow(job):
    try:
        await asyncio.sleep(job["input"]["sleep"])
    except asyncio.CancelledError:
        with open(os.environ["CANCELLED_FILE"], "w", encoding="utf-8") as f:
            f.write(job["id"])
        raise
    return {"slept": job["input"]["sleep"]}


def generator(job):
    for i in range(job["input"]["n"]):
        yield {"i": i}
    if "fail" in job["input"]:
        raise ValueError(job["input"]["fail"])


async def agenerator(job):
    for i in range(job["input"]["n"]):
        await asyncio.sleep(0.01)
        yield {"i": i}


async def load(job):
    """Note that the job is executed, so that the test can count executions."""
    n = job["input"]["n"]
    with open(os.environ["EXECUTIONS_FILE"], "a", encoding="utf-8") as f:
        f.write(f"{n} {job['id']}\n")
    yield {"n": n, "part": 0}
    await asyncio.sleep(0.01)
    yield {"n": n, "part": 1}


MODES = {
    "plain": {"handler": plain},
    "progress": {"handler": progress},
    "slow": {"handler": slow},
    "generator": {"handler": generator},
    "aggregate": {"handler": agenerator, "return_aggregate_stream": True},
    "refresh": {"handler": plain, "refresh_worker": True},
    "load": {"handler": load, "return_aggregate_stream": True, "concurrency_modifier": lambda current: 4},
    "concurrent": {"handler": slow, "concurrency_modifier": lambda current: 4},
}

if __name__ == "__main__":
    runpod.serverless.start(MODES[os.environ["HANDLER"]])
