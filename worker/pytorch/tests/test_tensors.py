"""The two formats of arrays: what is read, what is refused, and that pickle is neither."""

import base64
import io
import json
import pickle
import random
import struct

import msgpack
import pytest
import torch
import zstandard

from gopherpod_worker import tensors, wire

ALL = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]


def some():
    g = torch.Generator().manual_seed(1)
    return {str(t): (torch.rand(3, 4, generator=g) * 100).to(t) for t in ALL} | {"none": torch.empty(0, 3), "scalar": torch.tensor(7, dtype=torch.int64)}


def equal(a, b):
    return list(a) == list(b) and all(a[k].dtype == b[k].dtype and a[k].shape == b[k].shape and torch.equal(a[k], b[k]) for k in a)


def test_round_trips():
    named = some()
    assert equal(tensors.decode(tensors.encode(named)), named)
    assert equal(tensors.load_safetensors(tensors.save_safetensors(named), "s"), named)
    assert equal(tensors.load_state(tensors.save_state(named), "s"), named)
    assert equal(tensors.load_state(base64.b64encode(tensors.save_safetensors(named)).decode(), "s"), named)


def test_safetensors_own_library_agrees():
    library = pytest.importorskip("safetensors.numpy")
    t = {"a": torch.arange(6, dtype=torch.float32).reshape(2, 3), "b": torch.arange(3)}
    assert {k: v.tolist() for k, v in library.load(tensors.save_safetensors(t)).items()} == {k: v.tolist() for k, v in t.items()}
    assert equal(dict(sorted(tensors.load_safetensors(library.save({k: v.numpy() for k, v in t.items()}), "s").items())), t)


def test_the_bytes_are_the_formats():
    """A byte literal of each: what another language reads."""
    t = {"x": torch.tensor([1.0, -2.0])}
    data = struct.pack("<2f", 1.0, -2.0)
    header = b'{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    header += b" " * (-len(header) % 8)
    assert tensors.save_safetensors(t) == struct.pack("<Q", len(header)) + header + data
    envelope = b"\x81\xa1x\x83\xa5dtype\xa7float32\xa5shape\x91\x02\xa4data\xc4\x08" + data
    plain = zstandard.ZstdDecompressor().decompress(base64.b64decode(tensors.encode(t)["data"]))
    assert plain == envelope
    import hashlib

    assert tensors.content_digest(t["x"]) == hashlib.sha256(envelope[3:]).hexdigest()
    large = torch.zeros(70_000, dtype=torch.uint8)
    packed = msgpack.packb({"dtype": "uint8", "shape": [70_000], "data": bytes(70_000)})
    assert tensors.content_digest(large) == hashlib.sha256(packed).hexdigest()


def safetensors(header, data=b"", size=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + data


def entry(dtype="F32", shape=(2,), span=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(span)}


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "shorter than"),
        (b"\0" * 7, "shorter than"),
        (safetensors({}, size=1 << 60), "does not fit"),
        (safetensors({}, size=3), "does not fit"),
        (safetensors(b"nonsense"), "not a JSON object"),
        (safetensors(b"[1]"), "not a JSON object"),
        (safetensors(b'{"a":1,"a":2}'), "unique"),
        (safetensors(b"[" * 100_000), "not a JSON object"),
        (safetensors({"a": 1}), "want dtype, shape and data_offsets"),
        (safetensors({"a": {**entry(), "more": 1}}, bytes(8)), "want dtype, shape and data_offsets"),
        (safetensors({"a": entry("F31")}, bytes(8)), "unknown type"),
        (safetensors({"a": entry(shape=(3,))}, bytes(8)), "has 12 bytes"),
        (safetensors({"a": entry(shape=(-2,))}, bytes(8)), "not a size"),
        (safetensors({"a": entry(shape=(1 << 62, 1 << 62))}, bytes(8)), "bytes, here are"),
        (safetensors({"a": entry(shape=(2,) * 17)}, bytes(8)), "at most 16"),
        (safetensors({"a": entry(span=(0, 9))}, bytes(8)), "outside"),
        (safetensors({"a": entry(span=(8, 0))}, bytes(8)), "outside"),
        (safetensors({"a": entry(span=(0, 8.0))}, bytes(8)), "two integers"),
        (safetensors({"a": entry(), "b": entry(span=(4, 12))}, bytes(12)), "overlap"),
        (safetensors({"a": entry(span=(4, 12))}, bytes(12)), "gap"),
        (safetensors({"a": entry()}, bytes(9)), "belong to no tensor"),
    ],
)
def test_safetensors_refused(data, message):
    with pytest.raises(wire.JobError, match=message):
        tensors.load_safetensors(data, "model_state")


def envelope(value, codec="msgpack"):
    return {"codec": codec, "data": base64.b64encode(value if isinstance(value, bytes) else msgpack.packb(value)).decode()}


GOOD = {"dtype": "float32", "shape": [2], "data": bytes(8)}


@pytest.mark.parametrize(
    "value",
    [
        "x",
        {"codec": "pickle", "data": ""},
        {"codec": "msgpack"},
        {"codec": "msgpack", "data": "%%%"},
        {"codec": "msgpack", "data": "abc"},
        {"codec": "msgpack", "data": "", "more": 1},
        envelope(b"\xc1"),
        envelope(b"\x81\xa1x"),
        envelope([1]),
        envelope({1: GOOD}),
        envelope({"a": 1}),
        envelope({"a": {**GOOD, "strides": [1]}}),
        envelope({"a": {**GOOD, "dtype": "object"}}),
        envelope({"a": {**GOOD, "shape": [3]}}),
        envelope({"a": {**GOOD, "shape": [True, 2]}}),
        envelope({"a": {**GOOD, "shape": "2"}}),
        envelope({"a": {**GOOD, "data": "12345678"}}),
        envelope({"a": msgpack.ExtType(5, b"x")}),
        envelope(b"\xdf\xff\xff\xff\xff"),
        envelope(b"\xdd\xff\xff\xff\xff"),
        envelope(b"\x91" * 100_000),
        envelope(b"not zstd", "msgpack+zstd"),
        envelope(zstandard.compress(msgpack.packb({"a": GOOD}))[:-4], "msgpack+zstd"),
    ],
)
def test_envelopes_refused(value):
    with pytest.raises(wire.JobError) as e:
        tensors.decode(value)
    assert e.value.field.startswith("tensors")


def test_decompression_is_bounded():
    bomb = zstandard.ZstdCompressor().compress(bytes(50_000_000))
    with pytest.raises(wire.JobError, match="larger than 1000000"):
        tensors.decompress(bomb, "x", 1_000_000)
    stream = zstandard.ZstdCompressor().compressobj()  # a frame that does not say how large it is
    bomb = stream.compress(bytes(50_000_000)) + stream.flush()
    with pytest.raises(wire.JobError, match="larger than 1000000"):
        tensors.decompress(bomb, "x", 1_000_000)
    assert len(tensors.decompress(bomb, "x", 50_000_000)) == 50_000_000


class Evil:
    def __reduce__(self):
        return (exec, ("raise SystemExit('unpickled')",))


def test_pickles_are_refused_and_never_loaded():
    buffer = io.BytesIO()
    torch.save({"a": torch.zeros(1)}, buffer)
    for data in (pickle.dumps(Evil()), pickle.dumps(Evil(), 2), pickle.dumps(Evil(), 3), pickle.dumps(Evil(), 5), buffer.getvalue()):
        with pytest.raises(wire.JobError, match="this is a pickle"):
            tensors.load_state(base64.b64encode(data).decode(), "model_state")
        with pytest.raises(wire.JobError, match="this is a pickle"):
            tensors.load_state(base64.b64encode(zstandard.compress(data)).decode(), "model_state")


# Lengths of a header whose first bytes another format has: pickle's protocols 2 to 5, with any third byte, and zip's.
COLLIDING = [0x0280, 0x0380, 0x0480, 0x0580, 0x010280, 0x04034B50]


@pytest.mark.parametrize("length", COLLIDING)
def test_a_header_of_any_length_is_a_header(length):
    """A state whose header is 640 bytes long begins as a pickle does."""
    header = json.dumps({"0.weight": entry()}).encode().ljust(length)
    data = struct.pack("<Q", length) + header + struct.pack("<2f", 1.0, -2.0)
    assert data[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05") or data[:4] == b"PK\x03\x04"
    for text in (data, tensors.compress(data)):
        assert tensors.load_state(base64.b64encode(text).decode(), "s")["0.weight"].tolist() == [1.0, -2.0]
    with pytest.raises(wire.JobError, match="belong to no tensor"):  # damaged, it is told as what it is
        tensors.load_state(base64.b64encode(data + b"x").decode(), "s")


def test_what_the_worker_writes_has_colliding_headers():
    """A real state, saved and loaded: its names are chosen so that the header has exactly 640 bytes."""
    name = "n" * (640 - len('{"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'))
    t = {name: torch.tensor([3.0])}
    assert tensors.save_safetensors(t)[:2] == b"\x80\x02"
    assert equal(tensors.load_state(tensors.save_state(t), "s"), t)
    assert equal(tensors.load_state(base64.b64encode(tensors.save_safetensors(t)).decode(), "s"), t)


def test_the_magic_numbers_that_decide_are_no_lengths():
    """zstd's and NumPy's decide which format is read, so no header that is allowed may begin with them."""
    assert int.from_bytes(tensors.ZSTD_MAGIC, "little") > tensors.MAX_HEADER
    assert int.from_bytes(b"\x93NUMPY", "little") > tensors.MAX_HEADER


def test_no_module_of_the_worker_can_unpickle():
    from pathlib import Path

    files = sorted(Path(tensors.__file__).parent.glob("*.py"))
    assert len(files) > 8
    for f in files:
        text = f.read_text()
        for word in ("import pickle", "torch.load", "torch.save", "allow_pickle=True", "eval("):
            assert word not in text.replace("model.eval()", "").replace(".eval(", ""), f"{f.name} has {word}"


def test_random_bytes_raise_nothing_else():
    r = random.Random(2)
    seeds = [tensors.save_safetensors(some()), msgpack.packb({"a": GOOD, "b": GOOD})]
    for i in range(2000):
        data = bytearray(r.choice(seeds))
        for _ in range(r.randrange(1, 6)):
            data[r.randrange(min(len(data), 400))] = r.randrange(256)
        for read in (lambda: tensors.load_safetensors(bytes(data), "s"), lambda: tensors.decode(envelope(bytes(data)))):
            try:
                read()
            except wire.JobError:
                pass


@pytest.mark.parametrize(
    "rows, message",
    [
        ([[1, 2], [3]], r"x\[1\] has another length than x\[0\]|not all of one length"),
        ([["a"]], r'x\[0\]\[0\] is "a"'),
        ([["1.5"]], "want numbers"),
        ([[{}]], "want numbers"),
        ([[None]], "want numbers"),
        ([[1 << 70]], "too large"),
    ],
)
def test_lists_refused(rows, message):
    with pytest.raises(wire.JobError, match=message):
        tensors.from_list(rows, "x")
    with pytest.raises(wire.JobError):
        deep = 1
        for _ in range(100):
            deep = [deep]
        tensors.from_list(deep, "x")


def test_lists_keep_their_kind():
    assert tensors.from_list([[1, 2]], "x").dtype == torch.int64
    assert tensors.from_list([[1, 2.5]], "x").dtype == torch.float64
