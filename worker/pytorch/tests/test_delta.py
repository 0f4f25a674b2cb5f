"""States as their differences to states that the other side has."""

import base64
import json
from pathlib import Path

import pytest
import torch
from test_states import TRAIN, ask

from gopherpod_worker import data, operations, tensors, wire
from gopherpod_worker.runs import Memory
from gopherpod_worker.wire import JobError

VECTORS = json.loads((Path(__file__).parents[2] / "testdata" / "deltas.json").read_text())


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda c: f"{c['name']} by {c['by']}")
def test_golden(case):
    state = base64.b64decode(case["state"])
    assert tensors.decode_delta(base64.b64decode(case["base"]), case["delta"], "x") == state
    own = tensors.encode_delta(case["base"], case["state"])
    assert own.split(":")[:3] == case["delta"].split(":")[:3]
    assert tensors.decode_delta(base64.b64decode(case["base"]), own, "x") == state


@pytest.mark.parametrize("case", VECTORS["refused"], ids=lambda c: c["name"])
def test_refused(case):
    with pytest.raises(JobError) as e:
        tensors.decode_delta(base64.b64decode(case["base"]), case["delta"], "model_state")
    assert (e.value.kind, e.value.field) == ("InvalidRequest", "model_state")


def test_what_is_no_shorter_goes_whole():
    one, other = (base64.b64encode(torch.randn(n).numpy().tobytes()).decode() for n in (100, 101))
    assert tensors.encode_delta(one, other) == ""  # of two lengths
    noise = [base64.b64encode(torch.randint(0, 256, (4000,), dtype=torch.uint8).numpy().tobytes()).decode() for _ in range(2)]
    assert tensors.encode_delta(*noise) == ""


def digest(text):
    return tensors.state_digest(base64.b64decode(text))


def test_answer_and_request(tmp_path):
    """The answer is the difference to the request's state; who goes on from it names it by digest, or sends the difference to a
    worker that has the base only."""
    store = data.Store(tmp_path)
    first = ask(store, TRAIN)
    assert first["features"] == ["state_delta"]
    going = {**TRAIN, "model_state": "sha256:" + digest(first["model_state"]), "optimizer_state": first["optimizer_state"], "start_epoch": 1}
    whole = ask(store, going)
    second = ask(store, {**going, "state_delta": True})
    assert second["model_state"].startswith("delta:" + digest(first["model_state"]))
    assert len(second["model_state"]) < len(whole["model_state"])
    assert second[operations.WHOLE]["model_state"] == whole["model_state"]
    state = tensors.decode_delta(base64.b64decode(first["model_state"]), second["model_state"], "x")
    assert state == operations.plain_state(whole["model_state"])

    evaluate = {k: v for k, v in TRAIN.items() if k not in ("training_data", "hyperparameters")}
    evaluate |= {"operation": "evaluate", "evaluation_data": TRAIN["training_data"]}
    want = ask(store, {**evaluate, "model_state": whole["model_state"]})["metrics"]["loss"]
    assert ask(store, {**evaluate, "model_state": "sha256:" + tensors.state_digest(state)})["metrics"]["loss"] == want
    other = data.Store(tmp_path / "other")
    with pytest.raises(JobError) as e:
        ask(other, {**evaluate, "model_state": second["model_state"]})
    assert (e.value.kind, e.value.field) == ("MissingData", "model_state")
    other.put(torch.frombuffer(bytearray(base64.b64decode(first["model_state"])), dtype=torch.uint8))
    assert ask(other, {**evaluate, "model_state": second["model_state"]})["metrics"]["loss"] == want
    assert ask(other, {**evaluate, "model_state": "sha256:" + tensors.state_digest(state)})["metrics"]["loss"] == want

    epoch = {k: v for k, v in going.items() if k != "hyperparameters"} | {"operation": "train_epoch", "state_delta": True}
    answer = ask(store, epoch)
    assert answer["model_state"].startswith("delta:") and operations.WHOLE not in answer
    parts = ask(store, {"operation": "batch", "requests": [{**going, "state_delta": True}]})["results"]
    assert parts[0]["model_state"] == second["model_state"] and operations.WHOLE not in parts[0]
    with pytest.raises(JobError) as e:
        wire.parse({**TRAIN, "state_delta": 1})
    assert e.value.field == "state_delta"


def test_collect_has_it_whole(tmp_path):
    memory = Memory("r", {"run_id": "r"}, root=tmp_path)
    memory.finish([{"seq": 0, "type": "done"}], [{"seq": 0, "type": "done", "result": "whole"}])
    assert Memory.collect("r", root=tmp_path) == [{"seq": 0, "type": "done", "result": "whole"}]
    assert memory.result() == [{"seq": 0, "type": "done"}]  # a repeat tells what was told
