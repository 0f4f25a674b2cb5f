#!/usr/bin/env python3
"""Trains half with PyTorch and writes the states, and how it went on.

    python3 make_states.py > states.json

Each case has the model, its state and the optimizer's after some epochs (one
batch each) as the contract's text, and the losses of the epochs that follow.
Whoever reads the states and goes on must get those losses.
"""

import base64
import json
import struct

import torch
from torch import nn
from torch.optim import lr_scheduler as LR

torch.set_num_threads(1)
NAMES = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64"}


def safetensors(named):
    """The format, by hand: length of the header, header, data."""
    header, data = {}, b""
    for name, t in named.items():
        raw = t.contiguous().numpy().tobytes()
        header[name] = {"dtype": NAMES[t.dtype], "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    return base64.b64encode(struct.pack("<Q", len(head)) + head + data).decode()


def optimizer_state(opt, model, step):
    out = {"step": torch.tensor(step, dtype=torch.int64)}
    for name, p in model.named_parameters():
        for slot, v in opt.state[p].items():
            if slot != "step" and v is not None:
                out[f"{name}.{slot}"] = v
    return out


def case(name, optimizer, hyper, schedule=None):
    g = torch.Generator().manual_seed(3)
    x = (torch.randn(12, 4, generator=g) * 100).round() / 100
    y = torch.randint(0, 3, (12,), generator=g)
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 6, bias=False), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3))
    opt = optimizer(model.parameters())
    rule = schedule and schedule(opt)

    def epoch():
        loss = nn.functional.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if rule and opt._step_count < 8:
            rule.step()
        return loss.item()

    for _ in range(4):
        epoch()
    state, slots = safetensors(model.state_dict()), safetensors(optimizer_state(opt, model, 4))
    layers = [{"type": "linear", "out_features": 6, "bias": False}, {"type": "batchnorm1d"}, {"type": "tanh"}, {"type": "linear", "out_features": 3}]
    request = {
        "operation": "train", "model_config": {"type": "sequential", "layers": layers}, "start_epoch": 4, "model_state": state, "optimizer_state": slots,
        "hyperparameters": {"epochs": 4, "batch_size": 12, "shuffle": False, "learning_rate": 0.05, **hyper},
        "training_data": {"features": [[round(v, 2) for v in row] for row in x.tolist()], "labels": y.tolist()},
    }  # fmt: skip
    return {"name": name, "request": request, "losses": [epoch() for _ in range(4)]}


cases = [
    case("adam", lambda p: torch.optim.Adam(p, lr=0.05), {"optimizer": "adam"}),
    case("adamw", lambda p: torch.optim.AdamW(p, lr=0.05), {"optimizer": "adamw"}),
    case("sgd", lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9), {"optimizer": "sgd", "momentum": 0.9}),
    case("rmsprop", lambda p: torch.optim.RMSprop(p, lr=0.05, momentum=0.5), {"optimizer": "rmsprop", "momentum": 0.5}),
    # a schedule without a length of its own ends with the job: at start_epoch + epochs
    case("cosine", lambda p: torch.optim.SGD(p, lr=0.05), {"optimizer": "sgd", "scheduler": {"type": "cosine"}}, lambda o: LR.CosineAnnealingLR(o, 8)),
    case("one_cycle", lambda p: torch.optim.SGD(p, lr=0.05), {"optimizer": "sgd", "scheduler": {"type": "one_cycle"}},
         lambda o: LR.OneCycleLR(o, 0.5, total_steps=8, cycle_momentum=False)),
    case("adagrad", lambda p: torch.optim.Adagrad(p, lr=0.05), {"optimizer": "adagrad"}),
]
print("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]")
