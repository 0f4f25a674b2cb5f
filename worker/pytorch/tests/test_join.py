"""Arrays that come in parts are put together, once, and only when they are right."""

import pytest
import torch

from gopherpod_worker import data, operations, tensors
from gopherpod_worker.wire import JobError

WHOLE = torch.arange(10, dtype=torch.float32).reshape(5, 2)


def pieces(t, size):
    raw = tensors.raw(t)
    return [tensors.array("uint8", [len(p)], p, "") for p in (raw[i : i + size] for i in range(0, len(raw), size))]


def request(parts, **other):
    j = {"sha256": tensors.content_digest(WHOLE), "dtype": "float32", "shape": [5, 2], "parts": [tensors.content_digest(p) for p in parts]}
    return {"operation": "store", "protocol": 1, "join": [{**j, **other}]}


def ask(store, value):
    return operations.run(value, lambda event: None, None, store=store)


def test_join(tmp_path):
    store, parts = data.Store(tmp_path), pieces(WHOLE, 16)
    for p in parts[1:]:
        store.put(p)
    answer = ask(store, request(parts))
    assert answer["missing"] == [tensors.content_digest(parts[0])] and not answer["have"]
    store.put(parts[0])
    again = data.Store(tmp_path)  # a worker that has lost its memory, not its folder
    answer = ask(again, request(parts))
    assert answer["have"] == [tensors.content_digest(WHOLE)] and not answer["missing"]
    assert torch.equal(again.get(tensors.content_digest(WHOLE), ""), WHOLE)
    assert not again.has(tensors.content_digest(parts[0]))
    assert ask(again, request(parts))["have"] == [tensors.content_digest(WHOLE)]


@pytest.mark.parametrize(
    "wrong, field",
    [({"shape": [5, 3]}, "join[0]"), ({"dtype": "float33"}, "join[0].dtype"), ({"shape": [2, 5]}, "join[0].sha256")],
)
def test_wrong_join(tmp_path, wrong, field):
    store, parts = data.Store(tmp_path), pieces(WHOLE, 16)
    for p in parts:
        store.put(p)
    with pytest.raises(JobError) as e:
        ask(store, request(parts, **wrong))
    assert e.value.kind == "InvalidRequest" and e.value.field == field
