"""Arrays as bytes: the envelope of a request, safetensors for states, plain lists.

Both formats are read with every length checked before anything is allocated.
Nothing in them can name code; pickle is neither read nor written.

    envelope    {"codec": "msgpack+zstd", "data": base64}; inside, a msgpack map of
                name -> {"dtype": "float32", "shape": [2, 3], "data": little-endian bytes}
    delta       a state as its difference to another; see encode_delta
    safetensors u64 length of the header, header (JSON: name -> {"dtype", "shape",
                "data_offsets"}), bytes; https://github.com/huggingface/safetensors
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import struct
from typing import Any

import msgpack
import numpy as np
import torch
import zstandard

from .contract import REFUSED
from .memory import free_memory
from .wire import JobError, digest, invalid, nearest, number, shown

MAX_BYTES = int(os.environ.get("GOPHERPOD_MAX_BYTES", 8 << 30))  # of one decoded envelope or state
COPIES = 4  # the peak of decoding, in times of the size: compressed, decompressed, unpacked, as tensors
MAX_HEADER = 100_000_000  # of safetensors, as in its own implementation
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

# Each type with its names in envelopes and in safetensors.
_TYPES = (
    ("float64", "F64", torch.float64),
    ("float32", "F32", torch.float32),
    ("float16", "F16", torch.float16),
    ("bfloat16", "BF16", torch.bfloat16),
    ("int64", "I64", torch.int64),
    ("int32", "I32", torch.int32),
    ("int16", "I16", torch.int16),
    ("int8", "I8", torch.int8),
    ("uint8", "U8", torch.uint8),
    ("bool", "BOOL", torch.bool),
)
_BY_NAME = {name: t for plain, short, t in _TYPES for name in (plain, short)}
_PLAIN = {t: plain for plain, _, t in _TYPES}
_SHORT = {t: short for _, short, t in _TYPES}


def room() -> int:
    """Returns how many bytes an envelope or a state may decode to now: MAX_BYTES, or what fits in the free memory."""
    return min(MAX_BYTES, free_memory() // COPIES)


def too_large(path: str, limit: int) -> JobError:
    if limit < MAX_BYTES:
        return JobError("OutOfMemory", f"larger than the {limit / 1e6:.0f} MB that this worker has memory to decode", path)
    return invalid(path, f"larger than {limit} bytes")


def from_base64(text: Any, path: str) -> bytes:
    if not isinstance(text, str):
        raise invalid(path, f"want base64, got {shown(text)}")
    if len(text) // 4 * 3 > (limit := room()):
        raise too_large(path, limit)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise invalid(path, "not base64 of the standard alphabet with padding") from None


def decompress(data: bytes, path: str, limit: int = 0) -> bytes:
    """Decompresses zstd frames to at most limit bytes. It checks first the size in the header, then the bytes."""
    beyond = invalid(path, f"decompressed it is larger than {limit} bytes") if limit else too_large(path, room())
    limit = limit or room()
    try:
        size = zstandard.get_frame_parameters(data).content_size
        if size not in (zstandard.CONTENTSIZE_UNKNOWN, zstandard.CONTENTSIZE_ERROR) and size > limit:
            raise beyond
        out = bytearray()
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(data, read_across_frames=True) as reader:
            while piece := reader.read(min(1 << 24, limit - len(out) + 1)):
                out += piece
                if len(out) > limit:
                    raise beyond
    except zstandard.ZstdError as e:
        raise invalid(path, f"not zstd: {e}") from None
    if not out:
        raise invalid(path, "the compressed data are cut off")
    return bytes(out)


def compress(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(data)


def array(dtype: Any, shape: Any, data: Any, path: str) -> torch.Tensor:
    """Returns a tensor made from its parts, which owns its memory."""
    kind = _BY_NAME.get(dtype) if isinstance(dtype, str) else None
    if kind is None:
        raise invalid(path + ".dtype", f"unknown type {shown(dtype)}; {nearest(str(dtype), _PLAIN.values())}")
    if not isinstance(shape, (list, tuple)) or len(shape) > 16:
        raise invalid(path + ".shape", "want a list of at most 16 sizes")
    count = extent = 1
    for n in shape:
        if isinstance(n, bool) or not isinstance(n, int) or n < 0:
            raise invalid(path + ".shape", f"{shown(n)} is not a size")
        count, extent = count * n, extent * max(n, 1)
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise invalid(path + ".data", "want bytes")
    want = count * torch.empty(0, dtype=kind).element_size()
    if want != len(data):
        raise invalid(path, f"{dtype} of shape {list(shape)} has {want} bytes, here are {len(data)}")
    if extent >= 1 << 63:  # PyTorch counts elements and strides in an int64, even for an empty array
        raise invalid(path + ".shape", f"the sizes {list(shape)} multiply to 2^63 or more")
    if count == 0:
        return torch.empty(tuple(shape), dtype=kind)
    if kind is torch.bool:  # every byte except 0 is true; torch would keep the byte
        return torch.frombuffer(bytearray(data), dtype=torch.uint8).ne(0).reshape(tuple(shape))
    return torch.frombuffer(bytearray(data), dtype=kind).reshape(tuple(shape))


def raw(t: torch.Tensor) -> bytes:
    """Returns the little-endian bytes of a tensor, row by row."""
    t = t.detach().to("cpu").contiguous()
    return t.reshape(-1).view(torch.uint8).numpy().tobytes() if t.numel() else b""


# The envelope ------------------------------------------------------------------


def decode(value: Any, path: str = "tensors") -> dict[str, Any]:
    """Returns name -> tensor of a request's envelope; an absent envelope is empty."""
    if value is None:
        return {}
    if not isinstance(value, dict) or set(value) - {"codec", "data"}:
        raise invalid(path, 'want an object {"codec", "data"}')
    codec = value.get("codec")
    if codec not in ("msgpack", "msgpack+zstd"):
        raise invalid(path + ".codec", f"unknown codec {shown(codec)}; known: msgpack, msgpack+zstd")
    data = from_base64(value.get("data"), path + ".data")
    if codec == "msgpack+zstd":
        data = decompress(data, path + ".data")
    try:
        entries = msgpack.unpackb(data, raw=False, strict_map_key=True, max_ext_len=0)
    except Exception as e:  # msgpack raises half a dozen types; all mean the same here
        raise invalid(path + ".data", f"not msgpack: {type(e).__name__}") from None
    if not isinstance(entries, dict):
        raise invalid(path + ".data", "want a map of names")
    out = {}
    for name, given in entries.items():
        at = f"{path}.{name}"
        if not isinstance(given, dict) or set(given) != {"dtype", "shape", "data"}:
            raise invalid(at, "want a map of dtype, shape and data")
        out[name] = array(given["dtype"], given["shape"], given["data"], at)
    return out


def encode(tensors: dict[str, Any]) -> dict[str, Any]:
    """Returns the envelope of name -> tensor."""
    entries = {n: {"dtype": _PLAIN[t.dtype], "shape": list(t.shape), "data": raw(t)} for n, t in tensors.items()}
    data = compress(msgpack.packb(entries, use_bin_type=True))
    return {"codec": "msgpack+zstd", "data": base64.b64encode(data).decode("ascii")}


def content_digest(t: torch.Tensor) -> str:
    """Returns the store's name of a tensor: SHA-256 of its msgpack form, the map of dtype, shape and data in this order."""
    data = raw(t)
    head = msgpack.packb({"dtype": _PLAIN[t.dtype], "shape": list(t.shape)})
    # the map has a third entry; its bytes are hashed in place, after the head that packb would write
    h = hashlib.sha256(b"\x83" + head[1:] + msgpack.packb("data") + _bin_head(len(data)))
    h.update(data)
    return h.hexdigest()


def _bin_head(n: int) -> bytes:
    """Returns the head of n bytes in msgpack: bin 8, 16 or 32."""
    return b"\xc4" + bytes([n]) if n < 1 << 8 else b"\xc5" + n.to_bytes(2, "big") if n < 1 << 16 else b"\xc6" + n.to_bytes(4, "big")


# Safetensors --------------------------------------------------------------------


def load_safetensors(data: bytes | bytearray, path: str) -> dict[str, Any]:
    """Returns name -> tensor. Every rule of the format is checked: the header's length, its JSON, types, sizes, and that
    the tensors cover the bytes without overlap or gap."""
    if len(data) < 8:
        raise invalid(path, "safetensors: shorter than the header's length")
    (size,) = struct.unpack("<Q", data[:8])
    if size > MAX_HEADER or size > len(data) - 8:
        raise invalid(path, f"safetensors: a header of {size} bytes does not fit in {len(data)}")
    try:
        header = json.loads(data[8 : 8 + size].decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise invalid(path, "safetensors: the header is not a JSON object with unique names") from None
    if not isinstance(header, dict):
        raise invalid(path, "safetensors: the header is not a JSON object")
    header.pop("__metadata__", None)
    body = memoryview(data)[8 + size :]
    spans, out = [], {}
    for name, e in header.items():
        at = f"{path}.{name}"
        if not isinstance(e, dict) or set(e) != {"dtype", "shape", "data_offsets"}:
            raise invalid(at, "safetensors: want dtype, shape and data_offsets")
        span = e["data_offsets"]
        if not isinstance(span, list) or len(span) != 2 or any(isinstance(v, bool) or not isinstance(v, int) for v in span):
            raise invalid(at, "safetensors: want two integers as data_offsets")
        if not 0 <= span[0] <= span[1] <= len(body):
            raise invalid(at, f"safetensors: data_offsets {span} are outside of {len(body)} bytes")
        if e["dtype"] not in _SHORT.values():
            raise invalid(at, f"safetensors: unknown type {shown(e['dtype'])}")
        spans.append(tuple(span))
        out[name] = array(e["dtype"], e["shape"], body[span[0] : span[1]], at)
    end = 0
    for low, high in sorted(spans):
        if low != end:
            raise invalid(path, f"safetensors: a gap or an overlap at byte {min(low, end)}")
        end = high
    if end != len(body):
        raise invalid(path, f"safetensors: {len(body) - end} bytes belong to no tensor")
    return out


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a name twice")
    return out


def save_safetensors(tensors: dict[str, Any]) -> bytes:
    """Returns safetensors with the tensors in their order and the header padded with spaces to 8 bytes."""
    header, pieces, at = {}, [], 0
    for name, t in tensors.items():
        data = raw(t)
        header[name] = {"dtype": _SHORT[t.dtype], "shape": list(t.shape), "data_offsets": [at, at + len(data)]}
        pieces.append(data)
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join((struct.pack("<Q", len(text)), text, *pieces))


def load_state(text: str, path: str) -> dict[str, Any]:
    """Reads a state as it travels: base64 of safetensors, zstd-compressed or not. (zstd's magic number, read as the length of
    a header, is above MAX_HEADER, so no safetensors begins with it.)"""
    data = from_base64(text, path)
    if data[:4] == ZSTD_MAGIC:
        data = decompress(data, path)
    try:
        return load_safetensors(data, path)
    except JobError:
        if pickled(data):
            raise invalid(path, REFUSED["zipped_pickle" if data[:4] == ZIP_MAGIC else "pickle"]) from None
        raise


ZIP_MAGIC = b"PK\x03\x04"


def pickled(data: bytes) -> bool:
    """Reports whether data that is not safetensors looks like a pickle, bare or in a zip as PyTorch writes it. It only explains a refusal:
    the length of a safetensors header can have the same first bytes, such as 640 and 67,324,752, but a header begins with {."""
    return data[8:9] != b"{" and (data[:4] == ZIP_MAGIC or (data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")))


def save_state(tensors: dict[str, Any]) -> str:
    return base64.b64encode(compress(save_safetensors(tensors))).decode("ascii")


# Differences of states (tensors/delta.go) -----------------------------------------

DELTA = "delta:"
MAX_DELTA = 256 << 20  # characters of the largest state to take a difference of, which needs four times its memory


def state_digest(data: bytes) -> str:
    """Returns the store's name of a state's bytes, an array of uint8."""
    head = b"\x83" + msgpack.packb({"dtype": "uint8", "shape": [len(data)]})[1:] + msgpack.packb("data") + _bin_head(len(data))
    h = hashlib.sha256(head)
    h.update(data)
    return h.hexdigest()


def encode_delta(base: str, state: str) -> str:
    """Returns a state as its difference to base, which the other side has, or "" if that is not shorter. Both are texts of save_state.

    delta:<digest of base's bytes>:<digest of state's safetensors>:<base64 of zstd of the difference>; the difference is the
    exclusive-or of both safetensors: first its bytes 0, 4, 8, ..., then 1, 5, 9, ..., then those from 2 and from 3, then the rest after the last four."""
    if max(len(base), len(state)) > MAX_DELTA:
        return ""
    from_bytes, to = from_base64(base, "base"), from_base64(state, "state")
    old, new = (decompress(b, "state") if b[:4] == ZSTD_MAGIC else b for b in (from_bytes, to))
    if len(old) != len(new):
        return ""
    diff = np.frombuffer(old, np.uint8) ^ np.frombuffer(new, np.uint8)
    whole = len(diff) // 4 * 4
    packed = compress(np.ascontiguousarray(diff[:whole].reshape(-1, 4).T).tobytes() + diff[whole:].tobytes())
    text = f"{DELTA}{state_digest(from_bytes)}:{state_digest(new)}:" + base64.b64encode(packed).decode("ascii")
    return text if len(text) < len(state) else ""


def cut_delta(text: str, path: str) -> tuple[Any, ...]:
    """Returns (digest of the base, digest of the state, base64) of a difference."""
    parts = text[len(DELTA) :].split(":", 2)
    if not text.startswith(DELTA) or len(parts) != 3:
        raise invalid(path, "want delta:<digest>:<digest>:<base64>")
    return digest(parts[0], path), digest(parts[1], path), parts[2]


def decode_delta(base: bytes, text: str, path: str) -> bytes:
    """Returns the safetensors of the state that encode_delta wrote as a difference to base. It checks both digests, and the
    state is never larger than base."""
    want, gives, data = cut_delta(text, path)
    if state_digest(base) != want:
        raise invalid(path, f"it is the difference to the state {want[:12]}, not to {state_digest(base)[:12]}")
    old = decompress(base, path) if base[:4] == ZSTD_MAGIC else base
    diff = np.frombuffer(decompress(from_base64(data, path), path, max(len(old), 1)), np.uint8)
    if len(diff) != len(old):
        raise invalid(path, f"{len(diff)} bytes of difference to a state of {len(old)}")
    whole = len(diff) // 4 * 4
    plain = np.concatenate([np.ascontiguousarray(diff[:whole].reshape(4, -1).T).reshape(-1), diff[whole:]])
    out = (plain ^ np.frombuffer(old, np.uint8)).tobytes()
    if state_digest(out) != gives:
        raise invalid(path, f"it gives the state {state_digest(out)[:12]} and says {gives[:12]}; it was damaged")
    return out


# Lists ----------------------------------------------------------------------------


def from_list(rows: list[Any], path: str) -> torch.Tensor:
    """Returns the tensor of a plain JSON list of numbers, nested to a rectangle: float64, or int64 if all are integers."""
    try:
        a = np.asarray(rows)
    except (ValueError, OverflowError):
        raise invalid(path, "the rows are not all of one length, or too deep") from None
    if a.dtype.kind in "iu" and a.dtype != np.uint64:
        return torch.from_numpy(a.astype(np.int64, copy=False))
    if a.dtype.kind == "b":
        return torch.from_numpy(a)
    if a.dtype.kind == "f":
        return torch.from_numpy(a.astype(np.float64, copy=False))
    raise invalid(path, "want numbers; " + _culprit(rows, path))


def _culprit(rows: list[Any], path: str) -> str:
    """Returns where the first value is that is not a number, or the first row of another length."""
    stack = [(rows, path)]
    while stack:
        v, at = stack.pop()
        if isinstance(v, list):
            if len(at) > len(path) + 60:
                return "the list is nested too deeply"
            kinds = {len(x) if isinstance(x, list) else -1 for x in v}
            if len(kinds) > 1:
                first = len(v[0]) if isinstance(v[0], list) else -1
                i = next(i for i, x in enumerate(v) if (len(x) if isinstance(x, list) else -1) != first)
                return f"{at}[{i}] has another length than {at}[0]"
            stack.extend((x, f"{at}[{i}]") for i, x in reversed(list(enumerate(v))))
        elif isinstance(v, bool) or not isinstance(v, (int, float)):
            return f"{at} is {shown(v)}"
    return "the list is empty or a number is too large"


def to_list(t: torch.Tensor) -> list[Any]:
    """Returns nested lists; numbers that JSON does not have become texts."""
    t = t.detach().to("cpu", torch.float32)
    out: list[Any] = t.tolist()
    if bool(torch.isfinite(t).all()):
        return out

    def fix(v: Any) -> Any:
        return [fix(x) for x in v] if isinstance(v, list) else number(v)

    fixed: list[Any] = fix(out)
    return fixed
