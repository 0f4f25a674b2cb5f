#!/usr/bin/env python3
"""Writes states as differences, and what is refused.

    python3 make_deltas.py > deltas.json

Each case has a base, the state and the difference, as texts of the contract; whoever
decodes must get the state. "by" is the side that wrote it: GO is what tensors.EncodeDelta
made of the first case.
"""

import base64
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "pytorch"))
import torch
from gopherpod_worker import tensors

torch.manual_seed(1)
w = {"0.weight": torch.randn(12, 5), "0.bias": torch.randn(12), "step": torch.tensor(7, dtype=torch.int64), "mask": torch.tensor([1, 2, 3], dtype=torch.uint8)}
n = {k: v * (1 + 1e-4 * torch.randn(v.shape)) if v.is_floating_point() else v + 1 for k, v in w.items()}


def plain(named):
    return base64.b64encode(tensors.save_safetensors(named)).decode()


def pack(b):
    return base64.b64encode(tensors.compress(b)).decode()


base, state = plain(w), plain(n)
GO = "delta:f2a1869ad2a2ce0f4dfd35187a9ee60cdab21762637c5b6e1262e67e362753fb:5bb126ce2bb6220366117a2bf1c4344e2ca9acbecb6e0ee517c29c25fe5edb15:KLUv/UQAKwG9BQDUCQAdABru3VuegFCImL+pbqt8cCucwO0J2+NmdK+sJdbj5e3+oTV3b1r45ZlpL4vcm7a+R5VHRmczrSX4eZKOi0YGnYgiQi4A2eMPAAAAAAsEDAoDBxMNCv8IBQAGCQUBBwIFAAgOAv8YAAIEBxEOAgof/AUfPwY1AgsbAwMdfQ0FPA0CBwcLAgcAAQB8DQAEDQ8FChgHBgEDAAADAQcIAA4kAfABHAawCLEAY4ZJJlHCSEEkxwZwfuv8"
delta, compressed = tensors.encode_delta(base, state), tensors.save_state(w)
cases = [
    {"name": "plain", "by": "python", "base": base, "state": state, "delta": delta},
    {"name": "plain", "by": "go", "base": base, "state": state, "delta": GO},
    {"name": "a base that is compressed", "by": "python", "base": compressed, "state": state, "delta": tensors.encode_delta(compressed, state)},
]
head, data = delta.rsplit(":", 1)
size = len(base64.b64decode(base))
refused = {
    "of another base": (state, delta),
    "a state": (base, state),
    "no digests": (base, "delta:"),
    "a path for a digest": (base, "delta:../../" + delta[12:]),
    "a digest in capitals": (base, "delta:" + delta[6:70].upper() + delta[70:]),
    "no base64": (base, head + ":x"),
    "not compressed": (base, head + ":AAAA"),
    "nothing": (base, head + ":"),
    "another result": (base, head + ":" + pack(bytes(size))),
    "too short": (base, head + ":" + pack(bytes(size - 1))),
    "a bomb": (base, head + ":" + pack(bytes(1 << 22))),
    "cut off": (base, head + ":" + data[: len(data) // 8 * 4]),
}
out = {"cases": cases, "refused": [{"name": k, "base": b, "delta": d} for k, (b, d) in refused.items()]}
print(json.dumps(out, indent=0))
