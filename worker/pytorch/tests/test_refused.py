"""What is refused, or is PyTorch's answer: nothing wrong without a word, and "a bug of the worker" is for bugs."""

import base64
import errno
import json
import math

import pytest
import torch
import zstandard
from helpers import MLP, drain, request, run
from torch import nn

from gopherpod_worker import losses, models, operations, optim, tensors, wire


def sequential(*layers):
    return {"type": "sequential", "layers": list(layers)}


def linear(n):
    return {"type": "linear", "out_features": n}


def refused(value):
    with pytest.raises(wire.JobError) as e:
        run(value)
    return e.value


# Norms of too few numbers ------------------------------------------------------------

NORM = {"type": "batchnorm1d"}
WITHIN = {
    "top": NORM,
    "residual": {"type": "residual", "layers": [linear(4), NORM]},
    "shortcut": {"type": "residual", "layers": [linear(4)], "shortcut": [linear(4), NORM]},
    "branch": {"type": "branches", "branches": [[linear(4)], [{"type": "residual", "layers": [NORM]}]], "merge": "add"},
    "groupnorm": {"type": "groupnorm", "num_groups": 4},
}


@pytest.mark.parametrize("where", WITHIN)
def test_a_last_batch_of_one_is_refused_before_training(where):
    model = sequential(WITHIN[where], linear(3))
    for hyper, n in (({"batch_size": 32}, 33), ({"batch_size": 1}, 10), ({"batch_size": 32}, 1)):
        told = []
        with pytest.raises(wire.JobError, match="leaves a batch of 1 sample") as e:
            operations.run(request(model=model, n=n, hyper={**hyper, "epochs": 5}), told.append, operations.Stop())
        assert e.value.field == "hyperparameters.batch_size" and not told
        assert ("drop_last" in e.value.message) == (hyper["batch_size"] > 1 and n > 1)  # it is a way out for a last batch only
    assert run(request(model=model, n=33, hyper={"batch_size": 32, "drop_last": True}))[0]["history"][0]["samples"] == 32
    assert run(request(model=model, n=34, hyper={"batch_size": 32}))[0]["status"] == "success"


def test_a_node_of_a_graph_is_looked_at_too():
    model = {"type": "graph", "nodes": [{"name": "a", "layers": [linear(3)]}, {"name": "b", "inputs": ["a"], "layers": [NORM]}]}
    assert "batch norm" in refused(request(model=model, n=33)).message


def test_a_norm_over_places_takes_one_sample():
    image = {"type": "reshape", "shape": [1, 2, 2]}
    for norm in ({"type": "batchnorm2d"}, {"type": "groupnorm", "num_groups": 1}):
        assert run(request(model=sequential(image, norm, {"type": "flatten"}, linear(3)), n=33))[0]["status"] == "success"


@pytest.mark.parametrize("running", [False, True])
def test_instance_norm_on_one_place_is_refused(running):
    norm = {"type": "instancenorm1d", "track_running_stats": running}
    e = refused(request(model=sequential({"type": "reshape", "shape": [4, 1]}, norm, {"type": "flatten"}, linear(3))))
    assert e.kind == "InvalidRequest" and e.field == "model_config.layers[1]"


def test_group_norm_of_one_value_is_pytorchs():
    """One value a group is refused for one sample and 0 for more, also when it predicts."""
    model = sequential({"type": "groupnorm", "num_groups": 4}, linear(3))
    state = run(request(model=model, n=30))[0]["model_state"]
    assert run(request("predict", model=model, n=2, model_state=state))[0]["status"] == "success"
    e = refused(request("predict", model=model, n=1, model_state=state))
    assert e.kind == "InvalidRequest" and "batch of 1 sample" in e.message


# Indices of an embedding -------------------------------------------------------------


def test_an_index_below_the_first_layer_is_refused_with_its_range():
    embedding = {"type": "embedding", "num_embeddings": 2, "embedding_dim": 3}
    e = refused(request(model=sequential({"type": "flatten"}, embedding, {"type": "mean"}, linear(3))))
    assert e.kind == "InvalidRequest" and e.field == "model_config.layers[1]" and "whole numbers 0 to 1" in e.message
    within = sequential({"type": "sigmoid"}, embedding, {"type": "mean"}, linear(3))  # 0 to 1: all are rows 0
    assert run(request(model=within))[0]["status"] == "success"


@pytest.mark.parametrize("value, ok", [(0, True), (-0.5, True), (3.99, True), (4, False), (-1, False), (math.inf, False), (math.nan, False)])
def test_indices_are_cut_as_pytorch_cuts_them(value, ok):
    model, _, _ = models.build(sequential({"type": "embedding", "num_embeddings": 4, "embedding_dim": 2}), (1,), 0)
    if ok:
        assert torch.equal(model(torch.tensor([[value]])), model(torch.tensor([[int(value)]])))
    else:
        with pytest.raises(wire.JobError, match="0 to 3"):
            model(torch.tensor([[float(value)]]))


# Numbers -----------------------------------------------------------------------------


def test_weights_that_become_infinite_in_the_last_step_are_diverged():
    hyper = {"batch_size": 90, "optimizer": "sgd", "learning_rate": 1e6, "weight_decay": 1e33}
    e = refused(request(model=sequential(linear(3)), hyper=hyper))
    assert e.kind == "Diverged" and e.field == "hyperparameters.learning_rate" and "epoch 1" in e.message


@pytest.mark.parametrize("epochs, batches", [(1, 1), (1, 2), (2, 1), (3, 4)])
def test_one_cycle_is_pytorchs_for_any_number_of_steps(epochs, batches):
    hyper = wire.Hyperparameters(learning_rate=0.1, epochs=epochs, scheduler=wire.Scheduler("one_cycle", max_lr=0.5))
    rate = optim.Rate(hyper, 0, batches)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.5, total_steps=epochs * batches, cycle_momentum=False)
    for step in range(epochs * batches):
        assert rate.at(step // batches, step) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-6)
        optimizer.step()
        if step + 1 < epochs * batches:
            schedule.step()


def test_auc_of_several_classes_is_that_of_probabilities():
    """scikit-learn's roc_auc_score(truth, softmax(scores), multi_class="ovr") gives 1; raw scores give less."""
    scores = torch.tensor([[5.0, 0, 0], [9, 10, 0], [1, 3, 0], [0, 0, 1]])
    loss = losses.Loss(wire.Hyperparameters(), (3,))
    assert losses.evaluation(loss, scores, torch.tensor([0, 1, 1, 2]))["auc"] == 1


# What is no bug of the worker ----------------------------------------------------------


def test_a_graph_node_named_like_a_part_of_pytorch():
    for name in ("training", "keys", "_modules"):
        e = refused(request(model={"type": "graph", "nodes": [{"name": name, "layers": [linear(3)]}]}))
        assert e.field == "model_config.nodes[0].name" and name in e.message


@pytest.mark.parametrize("shape", [[0, 1 << 63], [0, 1 << 62, 1 << 62], [0, 1 << 90]])
def test_shapes_beyond_an_int64(shape):
    with pytest.raises(wire.JobError, match=r"2\^63") as e:
        tensors.array("float32", shape, b"", "tensors.X")
    assert e.value.field == "tensors.X.shape"


@pytest.mark.parametrize(
    "bug, kind, text",
    [
        (OSError(errno.ENOSPC, "No space left on device"), "Unsupported", "volume of this worker is full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "Unsupported", "volume of this worker is full"),
        (OSError(errno.EIO, "Input/output error"), "Unsupported", "cannot be used (Input/output error)"),
        (MemoryError(), "OutOfMemory", "memory ran out"),
        (ValueError("batch_norm eps must be positive, but got 0"), "InvalidRequest", "eps must be positive"),
        (KeyError("x"), "InternalError", "a bug of the worker: KeyError"),
    ],
)
def test_a_failure_has_its_own_sentence(monkeypatch, bug, kind, text):
    def fail(*args, **kw):
        raise bug

    monkeypatch.setattr(tensors, "decode", fail)  # MemoryError: while decoding
    (answer,) = drain({"id": "1", "input": {"operation": "store", "tensors": tensors.encode({"x": torch.zeros(1)})}})
    error = json.loads(answer["error"])
    assert error["error_type"] == kind and text in error["error_message"]


def test_a_part_that_fails_in_any_way_leaves_the_others_alone(monkeypatch):
    def bug():
        raise KeyError("x")

    monkeypatch.setattr(operations, "gpu_info", bug)
    got, _ = run({"operation": "batch", "requests": [{"operation": "gpu_info"}, {"operation": "capabilities"}, request(hyper={"epochs": 1})]})
    first, second, third = got["results"]
    assert first["failure"]["error_type"] == "InternalError" and first["failure"]["field"] == "requests[0]"
    assert second["status"] == third["status"] == "success"


# Memory --------------------------------------------------------------------------------


def test_decoding_is_bounded_by_the_free_memory(monkeypatch):
    """32 kB of text that unpack to 1 GiB are refused where 2 GB are free, before they are unpacked."""
    text = base64.b64encode(zstandard.ZstdCompressor(level=9).compress(bytes(1 << 30))).decode()
    assert len(text) < 150_000
    monkeypatch.setattr(tensors, "free_memory", lambda: 2_000_000_000)
    e = refused(request(model=MLP) | {"tensors": {"codec": "msgpack+zstd", "data": text}})
    assert e.kind == "OutOfMemory" and e.field == "tensors.data" and "500 MB" in e.message
    with pytest.raises(wire.JobError) as refusal:
        tensors.load_state(text, "model_state")
    assert refusal.value.kind == "OutOfMemory"
    monkeypatch.setattr(tensors, "free_memory", lambda: 1 << 50)
    monkeypatch.setattr(tensors, "MAX_BYTES", 1000)
    with pytest.raises(wire.JobError, match="larger than 1000 bytes") as refusal:
        tensors.load_state(text[:1000], "model_state")
    assert refusal.value.kind == "InvalidRequest"
