"""The handler as RunPod's SDK calls it: streams, answers, cancellation, repeats, errors."""

import asyncio
import base64
import json
import time

import pytest
import torch
from helpers import MLP, blobs, drain, request, run

from gopherpod_worker import handler, operations, tensors, wire

FEW = {"epochs": 4, "batch_size": 16, "seed": 3}


def test_a_stream_has_every_epoch_in_order_and_ends_with_done():
    events = drain({"id": "1", "input": request(hyper=FEW, run_id="r")})
    assert [e["seq"] for e in events] == list(range(len(events))) and {e["run_id"] for e in events} == {"r"}
    assert [e["epoch"]["epoch"] for e in events if e["type"] == "epoch"] == [1, 2, 3, 4]
    done = events[-1]
    assert done["type"] == "done" and done["result"]["status"] == "success" and len(done["result"]["history"]) == 4
    assert set(done["result"]) >= {"operation", "run_id", "model_config", "model_state", "optimizer_state", "parameters", "device_used", "precision", "seconds"}
    json.dumps(events, allow_nan=False)


def test_large_states_come_in_parts_under_the_limit():
    model = {"type": "sequential", "layers": [{"type": "linear", "out_features": 60000}, {"type": "linear", "out_features": 3}]}
    events = drain({"id": "1", "input": request(model=model, hyper={"epochs": 1, "batch_size": 90, "optimizer": "sgd"}, run_id="r")})
    assert max(len(json.dumps(e)) for e in events) <= wire.MAX_CHUNK
    parts = [e["part"] for e in events if e["type"] == "part"]
    result = events[-1]["result"]
    assert result["parts"] == {"model_state": len(parts)} and "model_state" not in result and len(parts) > 1
    state = tensors.load_state("".join(p["data"] for p in parts), "m")
    assert state["0.weight"].shape == (60000, 4)


def test_the_same_run_again_is_answered_from_memory():
    job = {"id": "1", "input": request(hyper=FEW, run_id="r")}
    first, again = drain(job), drain(job)
    def keep(events):
        return [{k: v for k, v in e.items() if k != "seq"} for e in events if e["type"] != "batch"]
    assert keep(first) == keep(again)
    assert not {e["seq"] for e in first} & {e["seq"] for e in again}


def test_a_fast_training_does_not_wait_for_its_posts():
    """100 epochs take less time than 100 posts: what waits is left to the history of done."""
    job = {"id": "1", "input": request(n=9, hyper={"epochs": 100, "batch_size": 9}, run_id="r")}

    async def slow():
        events = []
        async for event in handler.stream(job):
            events.append(event)
            await asyncio.sleep(0.05)
        return events

    run({**job["input"], "run_id": ""})  # PyTorch 2 imports its compiler at the first model
    start = time.monotonic()
    run({**job["input"], "run_id": ""})
    alone = time.monotonic() - start
    start = time.monotonic()
    events = asyncio.run(slow())
    assert time.monotonic() - start < 2 * alone + 3
    assert [e["seq"] for e in events] == list(range(len(events))) and len(events) < 60
    assert [h["epoch"] for h in events[-1]["result"]["history"]] == list(range(1, 101))


def test_retries_number_events_anew():
    events = drain({"id": "1", "retries": 1, "input": request(hyper=FEW, run_id="r")})
    assert events[0]["seq"] == handler.ATTEMPT


def test_cancelled_within_one_batch_and_taken_up_again(monkeypatch):
    """The SDK cancels the task; the thread stops after its batch, and what there was is saved."""
    from gopherpod_worker import step

    steps = []
    real = step.Eager.step

    def slow(self, x, y):
        steps.append(time.monotonic())
        time.sleep(0.02)
        real(self, x, y)

    monkeypatch.setattr(step.Eager, "step", slow)
    job = {"id": "1", "input": request(hyper={**FEW, "epochs": 500}, run_id="r")}

    async def main():
        async def consume():
            async for _ in handler.stream(job):
                pass

        task = asyncio.create_task(consume())
        while len(steps) < 20:
            await asyncio.sleep(0.01)
        task.cancel()
        done = len(steps)
        with pytest.raises(asyncio.CancelledError):
            await task
        return done

    done = asyncio.run(main())
    assert len(steps) <= done + 1
    from gopherpod_worker import runs

    named, meta = runs.Memory("r", job["input"]).load()
    assert meta["epoch"] * 6 + meta["batch"] == len(steps) == int(named["optimizer.step"])
    # and who asks for it gets the events, the states as they are
    kept = drain({"id": "2", "input": {"operation": "collect", "protocol": 1, "run_id": "r"}})
    assert [e["seq"] for e in kept] == sorted({e["seq"] for e in kept}) and {e["run_id"] for e in kept} == {"r"}
    result = kept[-1]["result"]
    assert result["status"] == "stopped" and result["stopped"] == "interrupted" and len(result["history"]) == meta["epoch"]
    assert tensors.load_state(result["optimizer_state"], "o")["step"] == len(steps)


def test_collect_gives_what_is_kept_or_says_that_nothing_is():
    finished = drain({"id": "1", "input": request(hyper=FEW, run_id="r")})
    collect = {"id": "2", "input": {"operation": "collect", "protocol": 1, "run_id": "r"}}
    assert drain(collect) == [e for e in finished if e["type"] != "batch"]
    unknown = drain({"id": "3", "input": {"operation": "collect", "protocol": 1, "run_id": "other"}})
    assert "MissingData" in unknown[0]["error"]
    assert "run_id" in drain({"id": "3", "input": {"operation": "collect"}})[0]["error"]


@pytest.mark.parametrize("large", [False, True])
def test_collect_gives_the_answer_of_a_job_that_does_not_train(monkeypatch, large):
    """RunPod may refuse an answer and call the job COMPLETED without output."""
    if large:
        monkeypatch.setattr(wire, "INLINE", 100)
    state = run(request(hyper=FEW))[0]["model_state"]
    for operation in ("predict", "evaluate"):
        answer = drain({"id": "1", "input": request(operation, model_state=state, run_id=operation)})[0]
        kept = drain({"id": "2", "input": {"operation": "collect", "protocol": 1, "run_id": operation}})
        result = kept[-1]["result"]
        text = "".join(e["part"]["data"] for e in kept[:-1]) if large else result["answer"]
        assert json.loads(base64.b64decode(text)) == answer and result["operation"] == operation and [e["seq"] for e in kept] == list(range(len(kept)))
        assert result.get("parts") == ({"answer": len(kept) - 1} if large else None)


def test_cancelled_while_its_consumer_is_busy():
    """The SDK may be posting a chunk when the cancellation comes: then the generator is only closed."""
    job = {"id": "1", "input": request(hyper={**FEW, "epochs": 100_000}, run_id="r")}

    async def main():
        async def consume():
            async for _ in handler.stream(job):
                await asyncio.sleep(3600)

        task = asyncio.create_task(consume())
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # the next job gets its turn
        return await asyncio.wait_for(handler.answer({"id": "2", "input": {"operation": "capabilities"}}), 10)

    assert asyncio.run(main())["status"] == "success"


def sdk(job, monkeypatch):
    """(posted stream bodies, posted result) of a job through the SDK's own handle_job."""
    pytest.importorskip("runpod")
    from runpod.serverless.modules import rp_job

    chunks, results = [], []

    async def stream_result(session, data, job):
        chunks.append(json.loads(json.dumps(data)))

    async def send_result(session, data, job, is_stream=False):
        results.append((json.loads(json.dumps(data)), is_stream))

    monkeypatch.setattr(rp_job, "stream_result", stream_result)
    monkeypatch.setattr(rp_job, "send_result", send_result)
    config = {"handler": handler.stream, "return_aggregate_stream": True}
    asyncio.run(handler.per_job(rp_job.handle_job)(None, config, job))
    assert len(results) == 1
    return [c["output"] for c in chunks], *results[0]


def test_the_sdk_streams_train_and_repeats_it_in_the_output(monkeypatch):
    chunks, result, is_stream = sdk({"id": "1", "input": request(hyper=FEW, run_id="r")}, monkeypatch)
    assert is_stream and result["output"] == [c for c in chunks if c["type"] != "batch"]
    assert chunks[-1]["type"] == "done"


def test_a_result_beyond_runpods_limit_leaves_its_parts_in_the_stream(monkeypatch):
    monkeypatch.setattr(handler, "MAX_OUTPUT", 1_500_000)
    model = {"type": "sequential", "layers": [{"type": "linear", "out_features": 80000}, {"type": "linear", "out_features": 3}]}
    chunks, result, _ = sdk({"id": "1", "input": request(model=model, hyper={"batch_size": 90, "optimizer": "sgd"}, run_id="r")}, monkeypatch)
    parts = [c for c in chunks if c["type"] == "part"]
    kept = [c for c in result["output"] if c["type"] == "part"]
    assert len(parts) > len(kept) > 0 and result["output"][-1]["type"] == "done"


# The predecessor's requests, plain lists and no protocol ---------------------------------

X, Y = ([[float(v) for v in row] for row in blobs(30)[0]], [int(v) for v in blobs(30)[1]])
OLD = {
    "operation": "train_epoch",
    "model_config": {"type": "sequential", "layers": [{"type": "linear", "in_features": 4, "out_features": 8}, {"type": "relu"}, {"type": "dropout", "rate": 0.1}, {"type": "linear", "in_features": 8, "out_features": 3}]},
    "training_data": {"features": X, "labels": Y},
    "hyperparameters": {"optimizer": "adam", "learning_rate": 0.01, "loss_function": "cross_entropy"},
}


def test_the_predecessors_requests_get_the_documented_objects(monkeypatch):
    first = {**OLD, "hyperparameters": {**OLD["hyperparameters"], "seed": 0}}  # without one the losses vary
    chunks, result, is_stream = sdk({"id": "1", "input": first}, monkeypatch)
    out = result["output"]
    assert not chunks and not is_stream
    assert out["operation"] == "train_epoch" and out["status"] == "success"
    assert set(out["metrics"]) == {"loss", "accuracy", "samples_processed", "device_used", "cuda_available"} and out["metrics"]["samples_processed"] == 30
    second = {**first, "model_state": out["model_state"]}
    out2 = sdk({"id": "2", "input": second}, monkeypatch)[1]["output"]
    assert out2["metrics"]["loss"] < out["metrics"]["loss"]
    base = {"model_config": OLD["model_config"], "model_state": out2["model_state"]}
    evaluated = sdk({"id": "3", "input": {"operation": "evaluate", "evaluation_data": OLD["training_data"], **base}}, monkeypatch)[1]["output"]
    assert {"loss", "accuracy", "samples_processed", "device_used"} <= set(evaluated["metrics"])
    for inputs in (X, {"features": X}):
        predicted = sdk({"id": "4", "input": {"operation": "predict", "input_data": inputs, **base}}, monkeypatch)[1]["output"]
        assert len(predicted["predictions"]) == 30 and set(predicted["predictions"]) <= {0, 1, 2}
    info = sdk({"id": "5", "input": {"operation": "gpu_info"}}, monkeypatch)[1]["output"]
    assert info["gpu_info"]["device_name"] and info["benchmark_results"]["gflops"] > 0 and info["gpu_info"]["self_test"]["ok"]


def test_errors_are_objects_without_tracebacks(monkeypatch):
    for value in ({**OLD, "operation": "evaluate"}, request(hyper={"optimizer": "adm"}, run_id="r")):
        _, result, _ = sdk({"id": "1", "input": value}, monkeypatch)
        assert set(result) == {"error"}
        e = json.loads(result["error"])
        assert e["error_type"] == "InvalidRequest" and e["field"] and "Traceback" not in result["error"]


def test_a_bug_tells_its_kind_only(monkeypatch):
    def bug(*args, **kw):
        raise KeyError("secret-token")

    monkeypatch.setattr(operations, "gpu_info", bug)
    _, result, _ = sdk({"id": "1", "input": {"operation": "gpu_info"}}, monkeypatch)
    e = json.loads(result["error"])
    assert e["error_type"] == "InternalError" and "secret" not in result["error"]


def test_a_broken_gpu_context_ends_the_worker(monkeypatch):
    def bug(*args, **kw):
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(operations, "gpu_info", bug)
    _, result, _ = sdk({"id": "1", "input": {"operation": "gpu_info"}}, monkeypatch)
    assert result["stopPod"] is True and "error" in result


# The other operations ------------------------------------------------------------------


def test_store_then_train_by_digest():
    x, y = blobs()
    named = {"X": torch.from_numpy(x), "y": torch.from_numpy(y)}
    stored, _ = run({"operation": "store", "protocol": 1, "tensors": tensors.encode(named)})
    digests = stored["stored"]
    ask, _ = run({"operation": "store", "have": [digests["X"], "0" * 64]})
    assert ask["have"] == [digests["X"]] and ask["missing"] == ["0" * 64]
    value = {k: v for k, v in request(hyper=FEW).items() if k != "tensors"}
    value["training_data"] = {"features": {"sha256": digests["X"]}, "labels": {"sha256": digests["y"]}}
    def losses(answer):
        return [h["loss"] for h in answer[0]["history"]]
    assert losses(run(value)) == losses(run(request(hyper=FEW)))
    value["training_data"]["labels"] = {"sha256": "0" * 64}
    with pytest.raises(wire.JobError) as e:
        run(value)
    assert e.value.kind == "MissingData" and e.value.field == "training_data.labels.sha256"


def test_batch_answers_each_part_in_its_place():
    got, _ = run(
        {
            "operation": "batch",
            "requests": [{"operation": "capabilities"}, OLD, {"operation": "predict"}, {"operation": "batch", "requests": [{}]}],
        }
    )
    a, b, c, d = got["results"]
    assert a["status"] == b["status"] == "success" and b["operation"] == "train_epoch"
    assert c["failure"]["field"].startswith("requests[2].") and d["failure"]["field"] == "requests[3].operation"


def test_predictions_as_tensors_and_numbers_that_json_has_not():
    got, _ = run(request(hyper=FEW))
    ask = request("predict", model_state=got["model_state"])
    answer, _ = run(ask)
    assert answer["predictions"] == {"tensor": "predictions"}
    out = tensors.decode(answer["tensors"])["predictions"]
    state = tensors.load_state(got["model_state"], "m")
    state["2.bias"] = torch.tensor([float("nan"), float("inf"), 0.0])
    plain, _ = run({**ask, "protocol": 0, "hyperparameters": {"loss_function": "mse"}, "model_state": tensors.save_state(state)})
    assert out.shape == (90, 3) and plain["predictions"][0][:2] == ["NaN", "Infinity"]


def test_capabilities_name_what_there_is():
    got, _ = run({"operation": "capabilities"})
    assert "transformer_encoder_layer" in got["layers"] and got["models"] == ["sequential", "graph"] and got["protocols"] == [0, 1]


def test_python_code_only_where_the_operator_says_so(monkeypatch):
    source = "class Net(nn.Module):\n    def __init__(self, n):\n        super().__init__()\n        self.a = nn.Linear(4, n)\n    def forward(self, x):\n        return self.a(x)\n"
    model = {"type": "python", "source": source, "class": "Net", "args": {"n": 3}}
    with pytest.raises(wire.JobError) as e:
        run(request(model=model, hyper=FEW))
    assert e.value.kind == "Unsupported" and "GOPHERPOD_ALLOW_CODE" in str(e.value)
    monkeypatch.setenv("GOPHERPOD_ALLOW_CODE", "1")
    got, _ = run(request(model=model, hyper=FEW))
    assert list(tensors.load_state(got["model_state"], "m")) == ["a.weight", "a.bias"]


def test_self_test():
    assert handler.self_test() == 0


def test_a_request_is_not_written_to():
    run(request(hyper=FEW))
    assert MLP["layers"][0] == {"type": "linear", "out_features": 16}


def test_train_epoch_without_a_seed_draws_one_and_tells_it(monkeypatch):
    """A loop over train_epoch had the same dropout masks in every epoch."""

    def ask(**more):
        return sdk({"id": "1", "input": {**OLD, "model_config": DROPOUT, **more}}, monkeypatch)[1]["output"]

    a, b = ask(), ask(hyperparameters=None)
    assert a["seed"] != b["seed"] and a["metrics"]["loss"] != b["metrics"]["loss"]
    again = ask(hyperparameters={**OLD["hyperparameters"], "seed": a["seed"]})
    assert "seed" not in again and again["metrics"]["loss"] == a["metrics"]["loss"]
    new = ask(protocol=1, run_id="r")
    assert "seed" not in new and new["metrics"]["loss"] == ask(hyperparameters={**OLD["hyperparameters"], "seed": 0})["metrics"]["loss"]


DROPOUT = {
    "type": "sequential",
    "layers": [{"type": "linear", "in_features": 4, "out_features": 32}, {"type": "dropout", "rate": 0.5}, {"type": "linear", "in_features": 32, "out_features": 3}],
}


def test_train_without_protocol_and_seed_draws_one_for_each_run():
    """The same weights to begin with in every training are no random initialization. A job that is delivered twice has one seed."""

    def ask(run_id, **more):
        return run({**request(hyper={"epochs": 1, "batch_size": 16}), "protocol": 0, "run_id": run_id, **more})[0]

    a, again, b = ask("a"), ask("a"), ask("b")
    assert a["seed"] == again["seed"] != b["seed"] and a["model_state"] == again["model_state"] != b["model_state"]
    assert "seed" not in ask("a", protocol=1) and ask("")["seed"] != ask("")["seed"]
