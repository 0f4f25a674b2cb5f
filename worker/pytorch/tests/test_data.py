"""Data: checks at the door, the store, addresses."""

import io

import numpy as np
import pytest
import torch
from helpers import MLP, request, run

from gopherpod_worker import address, data, tensors, wire

FIELD = "training_data.features"


def train(x, y, model=MLP, **hyper):
    return run({"operation": "train", "model_config": model, "training_data": {"features": x, "labels": y}, "hyperparameters": {"epochs": 1, "seed": 0, **hyper}})[0]


@pytest.mark.parametrize(
    "x, y, hyper, field, words",
    [
        ([], [], {}, FIELD, "no samples"),
        ([[]], [0], {}, FIELD, "no samples"),
        ([[1.0], [float("nan")]], [0, 1], {}, FIELD + "[1][0]", "NaN"),
        ([[1.0], [1e300]], [0, 1], {}, FIELD + "[1][0]", "float32"),
        ([[1.0], ["x"]], [0, 1], {}, FIELD, '"x"'),
        ([[1.0], [2.0]], [0], {}, "training_data.labels", "1 labels for 2 samples"),
        ([[1.0], [2.0]], [0, 3], {}, "training_data.labels[1]", "class 3.*classes 0 to 2"),
        ([[1.0], [2.0]], [0, -1], {}, "training_data.labels[1]", "class -1"),
        ([[1.0], [2.0]], [0.5, 1], {}, "training_data.labels[0]", "mse"),
        ([[1.0], [2.0]], [[0, 1], [1, 0]], {}, "training_data.labels", r"\[2\] a sample"),
        ([[1.0], [2.0]], [0, 1], {"loss_function": "mse"}, "training_data.labels", r"the model gives \[3\]"),
        ([[1.0], [2.0]], [[0, 1, 2], [0, 0, 0]], {"loss_function": "bce_with_logits"}, "training_data.labels", "0 to 1"),
        ([[1.0], [2.0]], [0, 1], {"validation_split": 0.9}, "hyperparameters.validation_split|", "nothing to train"),
        ([[1.0], [2.0]], [0, 1], {"class_weights": [1, 2]}, "hyperparameters.class_weights", "2 weights for 3"),
        ([[1.0], [2.0]], [0, 1], {"class_weights": [0, 0, 0]}, "hyperparameters.class_weights", "all 0"),
    ],
)
def test_refused(x, y, hyper, field, words):
    if "validation_split" in hyper:
        x, y = x[:1], y[:1]
    with pytest.raises(wire.JobError, match=words) as e:
        train(x, y, **hyper)
    assert e.value.field in field.split("|")


def test_labels_that_are_whole_are_classes():
    for labels in ([0.0, 1.0], [[0], [1]], [[0.0], [1.0]], [False, True], [[1.0, 0, 0], [0, 0.5, 0.5]]):
        assert train([[1.0], [2.0]], labels)["status"] == "success"


def test_embeddings_take_whole_numbers_of_any_type():
    model = {"layers": [{"type": "embedding", "num_embeddings": 5, "embedding_dim": 4}, {"type": "mean"}, {"type": "linear", "out_features": 2}]}
    a, b = train([[1, 2], [3, 4]], [0, 1], model), train([[1.0, 2.0], [3.0, 4.0]], [0, 1], model)
    assert a["model_state"] == b["model_state"]
    for x in ([[1, 5], [0, 0]], [[1.5, 2], [0, 0]], [[-1, 0], [0, 0]]):
        with pytest.raises(wire.JobError, match="integers from 0 to 4"):
            train(x, [0, 1], model)


def test_validation_data_must_be_alike():
    value = request(hyper={"epochs": 1})
    value["validation_data"] = {"features": [[1.0, 2.0]], "labels": [0]}
    with pytest.raises(wire.JobError, match=r"samples of \[2\]") as e:
        run(value)
    assert e.value.field == "validation_data.features"
    value["validation_data"] = {"features": {"tensor": "Z"}, "labels": [0]}
    with pytest.raises(wire.JobError, match="no tensor 'Z'"):
        run(value)


# The store -----------------------------------------------------------------------------


def test_the_store_keeps_what_it_got(tmp_path):
    t = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    digest = data.Store(tmp_path).put(t)
    assert torch.equal(data.Store(tmp_path).get(digest, "x"), t)
    assert not list(tmp_path.rglob(".part-*"))


def test_damage_is_found_and_removed(tmp_path):
    store = data.Store(tmp_path)
    digest = store.put(torch.zeros(4))
    path = store.path(digest)
    path.write_bytes(tensors.save_safetensors({"data": torch.ones(4)}))
    with pytest.raises(wire.JobError, match="damaged") as e:
        data.Store(tmp_path).get(digest, "x")
    assert e.value.kind == "MissingData" and not path.exists()


def test_memory_is_bounded(tmp_path):
    store = data.Store(tmp_path, memory=1000)
    digests = [store.put(torch.full((100,), float(i))) for i in range(5)]
    assert len(store.kept) == 2 and float(store.get(digests[0], "x")[0]) == 0


# Addresses -------------------------------------------------------------------------------

URL = "https://bucket.example/data/x.npy"


def npy(a):
    f = io.BytesIO()
    np.save(f, a)
    return f.getvalue()


@pytest.fixture
def served(monkeypatch):
    """Answers of a server that is not there."""
    monkeypatch.setenv("GOPHERPOD_ALLOW_URLS", "https://bucket.example/data/,http://plain.example/")
    answers = {}
    monkeypatch.setattr(address, "download", lambda t, path, limit: answers[t.path])
    return answers


def test_addresses_only_where_allowed(monkeypatch, served):
    served["/data/x.npy"] = npy(np.arange(6.0).reshape(2, 3))
    assert address.fetch(URL, "f").tolist() == [[0, 1, 2], [3, 4, 5]]
    served["/data/t"] = tensors.save_safetensors({"a": torch.ones(2)})
    assert address.fetch("https://bucket.example/data/t", "f").tolist() == [1, 1]
    for url in ("https://bucket.example/other", "https://bucket.example.evil/data/", "http://plain.example/x", "file:///etc/passwd", "https://bucket.example:9/data/"):
        with pytest.raises(wire.JobError) as e:
            address.fetch(url, "f")
        assert e.value.kind == "Unsupported"
    for url in ("https://bucket.example/data/\r\nX: y", "https://bucket.example/data/ x"):
        with pytest.raises(wire.JobError):
            address.fetch(url, "f")
    monkeypatch.delenv("GOPHERPOD_ALLOW_URLS")
    with pytest.raises(wire.JobError, match="GOPHERPOD_ALLOW_URLS"):
        address.fetch(URL, "f")


def test_files_with_objects_are_refused(served):
    served["/data/x.npy"] = npy(np.array([{"a": 1}], dtype=object))
    with pytest.raises(wire.JobError, match="Python objects"):
        address.fetch(URL, "f")
    served["/data/x.npy"] = npy(np.array(["a"]))
    with pytest.raises(wire.JobError, match="of numbers, got"):
        address.fetch(URL, "f")
    served["/data/x.npy"] = npy(np.zeros(5))[:-3]
    with pytest.raises(wire.JobError):
        address.fetch(URL, "f")


@pytest.mark.parametrize(
    "private", ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "224.0.0.1"]
)
def test_private_addresses_are_never_read(monkeypatch, private):
    for found in ([private], ["93.184.216.34", private]):
        monkeypatch.setattr(address.socket, "getaddrinfo", lambda *a, **k: [(0, 0, 0, "", (ip, 443)) for ip in found])
        with pytest.raises(wire.JobError, match="private"):
            address.public_address("rebound.example", 443, "f")


def test_public_addresses_are(monkeypatch):
    monkeypatch.setattr(address.socket, "getaddrinfo", lambda *a, **k: [(0, 0, 0, "", ("93.184.216.34", 443))])
    assert address.public_address("bucket.example", 443, "f") == "93.184.216.34"


def test_the_feed_gives_every_sample_once():
    x, y = torch.arange(10.0)[:, None], torch.arange(10)
    feed = data.Feed(x, y, torch.device("cpu"), 1 << 30)
    order = torch.randperm(10)
    got = torch.cat([b for _, b in feed.batches(order, 4)])
    assert torch.equal(got, order) and [len(b) for b, _ in feed.slices(4)] == [4, 4, 2]


def test_the_streamed_feed_is_one_batch_ahead_and_in_order(monkeypatch):
    """The way of data that do not fit on the device, with streams that are none."""
    import contextlib

    class Stream:
        def record_event(self):
            return "event"

    monkeypatch.setattr(torch.cuda, "Stream", lambda device: Stream())
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: contextlib.nullcontext())
    monkeypatch.setattr(data, "_pinned", lambda t: t)
    monkeypatch.setattr(data.Feed, "_ready", lambda self, ahead, stream: ahead[0])
    feed = data.Feed(torch.arange(10.0)[:, None], torch.arange(10), torch.device("cpu"), 1 << 30)
    feed.resident = False
    order, taken = torch.randperm(10), []
    real = feed.take
    feed.take = lambda index: taken.append(len(index)) or real(index)
    got = []
    for x, y in feed.batches(order, 4):
        got.append(y)
        assert torch.equal(x[:, 0].long(), y) and len(taken) == min(len(got) + 1, 3)
    assert torch.equal(torch.cat(got), order)
