"""What comes from outside, changed at random: each decoder answers, or refuses with a JobError, and never breaks.

GOPHERPOD_FUZZTIME=60s gives each target that long, with a new seed; without it the same few hundred inputs are tried every time.
A failure prints the input: put it into FOUND.
"""

import base64
import itertools
import json
import os
import random
import time
from pathlib import Path

import msgpack
import pytest
from test_tensors import some

from gopherpod_worker import address, models, tensors, wire

ALLOWED = "https://bucket.s3.amazonaws.com/in/"
TESTDATA = Path(__file__).resolve().parents[2] / "testdata"


def golden(name):
    return json.loads((TESTDATA / name).read_text())


def layers(value):
    """A model as the client describes it, and the shape of a sample, which comes from its data."""
    if not isinstance(value, dict) or set(value) != {"layers", "input"}:
        return
    shape = value["input"]
    if isinstance(shape, list) and len(shape) < 5 and all(type(n) is int and 0 < n < 100 for n in shape):
        models.build({"type": "sequential", "layers": value["layers"]}, tuple(shape), 0, limit=1 << 20)


def delta(text):
    base, _, rest = text.partition("|")
    try:
        plain = base64.b64decode(base, validate=True)
    except ValueError:
        return
    tensors.decode_delta(plain, rest, "s")


def allowed(text):
    """What the operator's prefix allows goes to the operator's host and folder, whatever follows the prefix."""
    t = address.target(text, "x")
    assert (t.scheme, t.host, t.port) == ("https", "bucket.s3.amazonaws.com", 443) and t.path.startswith("/in/"), t


# Each target: what reads the input, and inputs that it reads.
TEXTS = {
    "state": (lambda s: tensors.load_state(s, "s"), [s["request"]["model_state"] for s in golden("states.json")] + [tensors.save_state(some())]),
    "delta": (delta, [c["base"] + "|" + c["delta"] for c in golden("deltas.json")["cases"]]),
    "address": (allowed, [ALLOWED + "a?X-Amz-Signature=b", ALLOWED + "../x", ALLOWED + "%2e%2e/b", ALLOWED + "@other/"]),
}
BYTES = {
    "safetensors": (lambda b: tensors.load_safetensors(b, "s"), [tensors.save_safetensors(some())]),
    "msgpack": (
        lambda b: tensors.decode({"codec": "msgpack", "data": base64.b64encode(b).decode()}),
        [msgpack.packb({"a": {"dtype": "float32", "shape": [1, 2], "data": b"\0" * 8}}), base64.b64decode(golden("requests.json")[0]["input"]["tensors"]["data"])],
    ),
    "zstd": (lambda b: tensors.decompress(b, "s", 1 << 20), [tensors.compress(b"abc" * 1000), tensors.compress(b"") + tensors.compress(b"x")]),
}
VALUES = {
    "request": (wire.parse, [r["input"] for r in golden("requests.json")] + [r["input"] for r in golden("rejected.json")]),
    "list": (lambda v: tensors.from_list(v, "x") if isinstance(v, list) else None, [[[1, 2.5], [3, 4]], [True, False], [[[1]], [[2]]]]),
    "layers": (layers, [{"layers": c["layers"], "input": c["input"]} for c in golden("layers.json") if "layers" in c]),
}
FOUND = {}  # target: inputs that broke it once


def mutated_bytes(data, r):
    data = bytearray(data)
    for _ in range(r.randrange(1, 5)):
        at = r.randrange(len(data) + 1) if r.random() < 0.5 else r.randrange(min(len(data), 64) + 1)
        match r.randrange(5):
            case 0:
                data[at : at + 1] = bytes([r.randrange(256)])
            case 1:
                data[at : at + 8] = r.choice([0, 1, 255, 1 << 31, (1 << 63) - 1, (1 << 64) - 1]).to_bytes(8, "little")
            case 2:
                del data[at : at + r.randrange(1, 40)]
            case 3:
                data[at:at] = data[at : at + r.randrange(1, 40)]
            case 4:
                data[at:at] = r.choice([b"{", b"]", b'"', b"\xff", b"-1", b"1e999", b"\0" * 9, b"null", b"9223372036854775808"])
    return bytes(data)


def mutated_text(text, r):
    return mutated_bytes(text.encode("utf-8", "surrogatepass"), r).decode("utf-8", "surrogateescape" if r.random() < 0.05 else "replace")


def mutated_value(v, r):
    if r.random() < 0.1 or not isinstance(v, (dict, list)) or not v:
        return r.choice([None, True, -1, 0, 2, 1.5, 1e308, float("nan"), float("inf"), "", "x", "\ud800", [], {}, [[]], [1, "a"], 1 << 63, -(1 << 80), "A" * 64, {"tensor": "X"}])
    v = v.copy()
    k = r.choice(list(v)) if isinstance(v, dict) else r.randrange(len(v))
    match r.randrange(8):
        case 0:
            del v[k]
        case 1 if isinstance(v, list):
            v.insert(k, r.choice(v))
        case 1:
            v[r.choice(["x", "", "type", "dim", str(k)])] = r.choice(list(v.values()))
        case _:
            v[k] = mutated_value(v[k], r)
    return v


def inputs(seeds, mutate):
    """The seeds, then mutations of them and of mutations: 300 that are always the same, or as many as fit in GOPHERPOD_FUZZTIME."""
    yield from seeds
    text = os.environ.get("GOPHERPOD_FUZZTIME", "")  # Go's form: 60s, 5m
    limit = float(text[:-1]) * {"s": 1, "m": 60}[text[-1]] if text else 0
    r = random.Random(time.time_ns() if limit else 1)
    begun, n, pool = time.monotonic(), 0, list(seeds)
    while time.monotonic() < begun + limit if limit else n < 300:
        n += 1
        value = mutate(r.choice(pool), r)
        yield value
        if r.random() < 0.1 and len(repr(value)) < 20_000:  # a list in itself, again and again, is exponential
            pool[len(seeds) :] = [*pool[len(seeds) :][-50:], value]


@pytest.mark.parametrize("name", [*TEXTS, *BYTES, *VALUES])
def test_only_refusals(name, monkeypatch):
    monkeypatch.setenv("GOPHERPOD_ALLOW_URLS", ALLOWED)
    mutate, targets = next((m, t) for m, t in ((mutated_text, TEXTS), (mutated_bytes, BYTES), (mutated_value, VALUES)) if name in t)
    read, seeds = targets[name]
    tried = refused = 0
    for value in itertools.chain(FOUND.get(name, []), inputs(seeds, mutate)):
        tried += 1
        try:
            read(value)
        except wire.JobError as e:
            refused += 1
            json.dumps(e.object()).encode()
        except Exception as e:
            raise AssertionError(f"{name} breaks with {type(e).__name__}: {e}; the input is {value!r}") from e
    assert 0 < refused < tried, f"{refused} of {tried} refused: the target does not see what it should"
