"""Requests without a protocol get the answers that the predecessor documented (docs/predecessor.md)."""

import base64
import io
import json
import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from helpers import blobs, request, run

from gopherpod_worker import device as devices
from gopherpod_worker import predecessor, tensors, wire

CASES = json.loads((Path(__file__).parents[2] / "testdata" / "predecessor.json").read_text())
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
MODEL = {"type": "sequential", "layers": [{"type": "linear", "in_features": 4, "out_features": 3}]}


def fits(got, kind) -> bool:
    """Reports whether a value has the type that predecessor.json names."""
    if isinstance(kind, dict):
        return isinstance(got, dict) and all(name in got and fits(got[name], inner) for name, inner in kind.items())
    if kind.startswith("="):
        return got == kind[1:].replace("$device", DEVICE)
    if kind == "integers":
        return isinstance(got, list) and bool(got) and all(type(v) is int for v in got)
    return type(got) in {"text": (str,), "number": (float,), "integer": (int,), "boolean": (bool,)}[kind] and got != ""


def lookup(value, path):
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def test_the_documented_requests_get_the_documented_answers():
    state, replayed = "", 0
    for case in CASES:
        answer, _ = run(json.loads(json.dumps(case["input"]).replace("$state", state)))
        for want in (case["answer"], case.get("with_gpu" if torch.cuda.is_available() else "without_gpu", {})):
            for name, kind in want.items():
                assert fits(answer.get(name), kind), f"{case['name']} ({case['source']}): {name} is {answer.get(name)}, want {kind}"
        assert not [p for p in case.get("lacks", []) if lookup(answer, p) is not None], case["name"]
        state, replayed = answer.get("model_state", state), replayed + 1
    assert replayed > 10


def test_class_numbers_of_a_classifier_and_outputs_of_another_model():
    def found(values, **hyper):
        value = {"operation": "predict", "model_config": MODEL, "input_data": [[0.0]], "model_state": "x", "hyperparameters": hyper}
        return predecessor.predictions(wire.parse(value), torch.tensor(values))

    nan = float("nan")
    assert found([[1.0, 3.0, 2.0], [9.0, 8.0, 7.0]]) == [1, 0]
    assert found([[1.0, nan, 3.0], [nan, nan, 2.0]]) == [1, 0]
    assert found([[[1.0, 2.0, 3.0], [0.0, 9.0, 1.0]]]) == [[0, 1, 0]]  # two classes in three places
    assert found([[0.5], [1.5]]) == [[0.5], [1.5]]
    assert found([[1.0, 3.0]], loss_function="mse") == found([[1.0, 3.0]], loss_function="bce_with_logits") == [[1.0, 3.0]]
    assert found([[1.0, 3.0]], loss_function="nll") == [1]


def test_predictions_are_the_classes_that_the_outputs_say():
    trained, _ = run(request(hyper={"epochs": 3}))
    ask = request("predict", model_state=trained["model_state"])
    outputs = tensors.decode(run(ask)[0]["tensors"])["predictions"]
    x = blobs()[0].tolist()
    old, _ = run({"operation": "predict", "model_config": ask["model_config"], "model_state": trained["model_state"], "input_data": {"features": x}})
    assert old["predictions"] == outputs.argmax(1).tolist() and set(old["predictions"]) == {0, 1, 2}


@pytest.mark.parametrize("dump, load", [(pickle.dumps, "pickle.loads"), (None, "torch.load")])
def test_a_pickled_state_is_refused_with_the_way_to_convert_it(dump, load):
    model = torch.nn.Sequential(torch.nn.Linear(4, 3))
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    state = base64.b64encode(dump(model.state_dict()) if dump else file.getvalue()).decode()
    with pytest.raises(wire.JobError) as e:
        run({"operation": "predict", "model_config": MODEL, "input_data": {"features": [[1, 2, 3, 4]]}, "model_state": state})
    assert e.value.field == "model_state" and e.value.message.startswith("this is a pickle, which is not read because it can run code; convert it")
    expression = e.value.message.partition("where you trust it: ")[2]
    assert load in expression and e.value.message.count(". ") == 0  # one sentence
    # safetensors is not among the test's packages; the worker writes the same format
    names = {"base64": base64, "io": io, "pickle": pickle, "torch": torch, "state": state}
    names["safetensors"] = SimpleNamespace(torch=SimpleNamespace(save=tensors.save_safetensors))
    converted = eval(expression, names)
    got = tensors.load_state(converted, "m")
    assert torch.equal(got["0.weight"], model[0].weight.detach())
    run({"operation": "predict", "model_config": MODEL, "input_data": {"features": [[1, 2, 3, 4]]}, "model_state": converted})


def test_an_untrained_model_is_another_each_time_and_says_so():
    x, y = blobs()
    ask = {"operation": "evaluate", "model_config": MODEL, "evaluation_data": {"features": x.tolist(), "labels": y.tolist()}}
    a, b = run(ask)[0], run(ask)[0]
    assert a["seed"] != b["seed"] and a["metrics"]["loss"] != b["metrics"]["loss"] and "random" in a["warning"]
    again = run({**ask, "hyperparameters": {"seed": a["seed"]}})[0]
    assert again["metrics"]["loss"] == a["metrics"]["loss"] and "seed" not in again
    with pytest.raises(wire.JobError) as e:
        run({**ask, "protocol": 1})
    assert e.value.field == "model_state"


def test_requests_with_a_protocol_keep_their_answers():
    info = run({"operation": "gpu_info", "protocol": 1})[0]
    assert "pytorch_version" not in info["gpu_info"] and "benchmark_status" not in info["benchmark_results"]
    assert "benchmark_status" not in run({"operation": "benchmark", "protocol": 1})[0]["benchmark_results"]
    epoch = run(request("train_epoch"))[0]
    assert "cuda_available" not in epoch["metrics"] and "seed" not in epoch
    for missing in ({"operation": None}, {"hyperparameters": {"optimizer": "Adam"}}):
        with pytest.raises(wire.JobError):
            run(request("train_epoch") | missing)


def test_the_benchmark_is_judged_by_the_product_that_the_predecessor_measured():
    # the time of a product of 1000 x 1000; one of 2000 x 2000 takes 8 times as long
    rates = {seconds: 1000**3 / seconds for seconds in (0.05, 0.07, 0.24, 0.26)}
    assert [predecessor.assess(r, True) for r in rates.values()] == ["GPU_ACCELERATED", "UNCLEAR", "UNCLEAR", "CPU_LIKELY"]
    assert [predecessor.assess(r, False) for r in rates.values()] == ["UNCLEAR", "UNCLEAR", "UNCLEAR", "CPU_LIKELY"]


def test_checks_of_a_device_stop_at_the_first_that_fails(monkeypatch):
    names = ["tensor_creation_test", "computation_test", "memory_test", "neural_network_test"]
    assert predecessor.checks(torch.device("cpu")) == dict.fromkeys(names, "PASSED")

    def full(*args, **kw):
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(torch, "empty", full)
    found = predecessor.checks(torch.device("cpu"))
    assert found == {**dict.fromkeys(names[:2], "PASSED"), "cuda_test_error": "CUDA out of memory", "cuda_tests_status": "FAILED"}
    monkeypatch.setattr(torch, "empty", lambda *a, **k: (_ for _ in ()).throw(RuntimeError("CUDA error: device-side assert triggered")))
    with pytest.raises(RuntimeError) as e:  # the handler has the worker replaced
        predecessor.checks(torch.device("cpu"))
    assert devices.broken(e.value)
