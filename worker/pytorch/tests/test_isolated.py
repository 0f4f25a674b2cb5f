"""Code runs in a process of its own, which sees no key and costs its job only."""

import asyncio
import json
import os
import signal
import sys
import time

import pytest
from helpers import drain, request
from test_source import FEW, NET, python

from gopherpod_worker import handler, isolated, models, operations, tensors

FORWARD = "    def forward(self, x):\n        return self.last("


@pytest.fixture(autouse=True)
def allowed(monkeypatch):
    monkeypatch.setenv("GOPHERPOD_ALLOW_CODE", "1")


def job(source=NET, operation="train", **more):
    return {"id": "j", "input": request(operation, model=python(source), **({} if operation == "predict" else {"hyper": FEW}), **more)}


def says(expression: str) -> str:
    """A source whose error tells the value of an expression in its process."""
    return f"import os, sys\nraise ValueError('said: ' + repr({expression}))\n"


def error(events: list) -> dict:
    return json.loads(events[-1]["error"])


def test_a_training_is_that_of_the_worker_itself(monkeypatch):
    config: dict = {}
    events = drain(job(run_id="r1"), config)
    assert [e["type"] for e in events if e["type"] not in ("batch", "log")] == ["epoch", "epoch", "done"]
    assert [e["seq"] for e in events] == list(range(len(events))) and config["return_aggregate_stream"] is True
    here = operations.run(job()["input"], lambda e: None, operations.Stop())
    assert events[-1]["result"]["model_state"] == here["model_state"]
    ask = {"model_state": here["model_state"]}
    out = drain(job(operation="predict", **ask))
    assert tensors.decode(out[0]["tensors"])["predictions"].shape == (90, 3)
    parts = [{k: v for k, v in job(operation="predict", **ask)["input"].items() if k != "tensors"}] * 2
    both = drain({"id": "b", "input": {"operation": "batch", "protocol": 1, "tensors": job()["input"]["tensors"], "requests": parts}})
    assert [r["status"] for r in both[0]["results"]] == ["success", "success"]
    # what the process kept, the worker collects
    kept = drain({"id": "c", "input": {"operation": "collect", "protocol": 1, "run_id": "r1"}})
    assert kept[-1]["result"]["model_state"] == here["model_state"]


def test_which_jobs_bring_code():
    assert isolated.wanted(job()) and isolated.wanted({"input": {"requests": [job()["input"]]}})
    assert not isolated.wanted({"input": {"model_config": {"type": "graph"}}}) and not isolated.wanted({"input": [1]})


def test_without_permission_nothing_starts(monkeypatch):
    monkeypatch.delenv("GOPHERPOD_ALLOW_CODE")
    monkeypatch.setattr(asyncio, "create_subprocess_exec", None)
    told = error(drain(job(says("1"))))
    assert told["error_type"] == "Unsupported" and "gopherpod deploy --allow-code" in told["error_message"] and told["field"] == "model_config.type"


def test_the_code_sees_no_key(monkeypatch):
    for name in ("RUNPOD_API_KEY", "RUNPOD_AI_API_KEY", "RUNPOD_WEBHOOK_GET_JOB", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "OMP_SECRET", "DATABASE_URL"):
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    said = error(drain(job(says("[k for k, v in os.environ.items() if 'hunter' in v] + [os.environ['OMP_NUM_THREADS'], os.getpid()]"))))["error_message"]
    assert "said: ['1', " in said and str(os.getpid()) not in said  # and the worker goes on


@pytest.mark.skipif(sys.platform != "linux", reason="prctl")
def test_the_workers_environment_is_hidden():
    """In a process of its own, because it holds for good."""
    code = "import ctypes, sys\nfrom gopherpod_worker import isolated\nisolated.hide()\nimport multiprocessing\nassert multiprocessing.get_start_method() == 'fork'\nsys.exit(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"

    async def status():
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env={**os.environ, "PYTHONPATH": str(isolated.PACKAGES)})
        return await process.wait()

    assert asyncio.run(status()) == 0  # PR_GET_DUMPABLE


def test_the_worker_hides_its_environment_if_code_may_run(monkeypatch):
    done = []
    monkeypatch.setattr(isolated, "hide", lambda: done.append(1))
    monkeypatch.setattr(handler.devices, "warm", lambda: None)
    monkeypatch.setitem(sys.modules, "runpod", None)
    for allow, want in (("1", [1]), ("", [1])):
        monkeypatch.setenv("GOPHERPOD_ALLOW_CODE", allow)
        with pytest.raises(ImportError):
            handler.start()
        assert done == want


@pytest.mark.parametrize(
    "end, words",
    [("os._exit(3)", "exit status 3"), ("os.kill(os.getpid(), 11)", "by SIGSEGV")],
)
def test_a_crash_costs_the_job_alone(end, words):
    told = error(drain(job(f"import os\n{end}\n")))
    assert words in told["error_message"] and "the worker goes on" in told["error_message"], told


def test_what_the_code_prints_is_no_message():
    source = "import os\nprint('{\"value\": {\"type\": \"done\"}}', flush=True)\nos.write(1, b'{\"end\": true}\\n')\n" + NET
    assert drain(job(source))[-1]["result"]["status"] == "success"


def test_messages_that_are_none_are_passed_over():
    async def read(text: bytes):
        reader = asyncio.StreamReader(limit=64)
        reader.feed_data(text)
        reader.feed_eof()
        return [m async for m in every(reader)]

    async def every(reader):
        while (m := await isolated._message(reader)) is not None:
            yield m

    assert asyncio.run(read(b'x\n[1]\n{"value": 3}\n{"value": {"a": 1}}\n{"end": 1}\n{"end": true}\n')) == [{"value": {"a": 1}}, {"end": True}]
    assert asyncio.run(read(b"y" * 1000)) == []


def cancelled(source: str, tmp_path, grace: float, monkeypatch) -> tuple:
    """(seconds that a cancellation took, process id of the code) for a training that says when it computes."""
    monkeypatch.setattr(isolated, "GRACE", grace)
    sign = tmp_path / "pid"

    async def go():
        async def follow():
            async for _ in handler.stream(job(source.replace("SIGN", str(sign)), run_id="stopped"), {}):
                pass

        task = asyncio.create_task(follow())
        while not (sign.exists() and sign.read_text()):
            assert not task.done(), task
            await asyncio.sleep(0.05)
        begun = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - begun

    return asyncio.run(go()), int(sign.read_text())


def test_a_cancelled_training_leaves_its_weights(tmp_path, monkeypatch):
    source = NET + "\ndef loss(outputs, targets):\n    import os, pathlib, time\n    if outputs.requires_grad:\n        pathlib.Path('SIGN').write_text(str(os.getpid()))\n        time.sleep(0.05)\n    return F.cross_entropy(outputs, targets)\n"
    monkeypatch.setitem(FEW, "epochs", 10000)
    _, pid = cancelled(source, tmp_path, 60, monkeypatch)
    assert not alive(pid)
    kept = drain({"id": "c", "input": {"operation": "collect", "protocol": 1, "run_id": "stopped"}})
    assert kept[-1]["result"]["stopped"] == "interrupted" and kept[-1]["result"]["model_state"]


def test_code_that_does_not_stop_is_killed_with_what_it_started(tmp_path, monkeypatch):
    source = "import os, pathlib, subprocess, sys, time\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\npathlib.Path('SIGN').write_text(str(child.pid))\nwhile True:\n    time.sleep(1)\n"
    _, pid = cancelled(source, tmp_path, 0.5, monkeypatch)
    until = time.monotonic() + 30
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.01)
    assert not alive(pid)


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_statuses():
    assert isolated.crashed(-signal.SIGKILL).kind == "OutOfMemory" and isolated.crashed(1).kind == "InvalidRequest"
    assert models.ALLOW in isolated.environment()
