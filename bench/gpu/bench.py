#!/usr/bin/env python3
"""The PyTorch worker side by side with what people write by hand, in one run.

    python3 bench/gpu/bench.py [--quick] [--only mlp,cnn,resnet18,transformer,requests,scaling,start] [--json FILE]

models     samples/s of the worker (worker/pytorch, data in memory) against a plain loop as the tutorials have it (DataLoader, zero_grad,
           step, loss.item()), and against a bare forward/backward/step on one batch that lies on the device: the same module, the same
           precision, the best epoch behind the first of the rounds taken in turn (a shared machine disturbs upwards only)
requests   100 epochs on 10^5 x 32: one job of ours, against the predecessor's way, a request an epoch with JSON lists and a full
           batch (measured on a few epochs, without the network, which is in its favour); both in a process that has opened the GPU
scaling    samples/s of all GPUs together (of two processes on a CPU) against one, the batch of each as large
start      seconds from the worker's start, and from a warm worker's pick-up, to the first epoch event; bytes in and out

It runs on a GPU where PyTorch sees one, else on the CPU with small sizes; the first line names the device. Figures of a CPU run say nothing
about a GPU.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import io
import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

WORKER = Path(__file__).resolve().parents[2] / "worker" / "pytorch"
sys.path.insert(0, str(WORKER))

import torch  # noqa: E402
from gopherpod_worker import ddp, handler, models, operations, tensors, trainer, wire  # noqa: E402
from gopherpod_worker import device as devices  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

CUDA = torch.cuda.is_available()


def wait() -> None:
    if CUDA:
        torch.cuda.synchronize()


def linear(n):
    return {"type": "linear", "out_features": n}


def conv(n, k=3, stride=1, padding=1):
    return [{"type": "conv2d", "out_channels": n, "kernel_size": k, "stride": stride, "padding": padding, "bias": False}, {"type": "batchnorm2d"}]


RELU = {"type": "relu"}


def block(n, stride):
    out = {"type": "residual", "layers": [*conv(n, stride=stride), RELU, *conv(n)]}
    if stride > 1:
        out["shortcut"] = conv(n, 1, stride, 0)
    return [out, RELU]


RESNET18 = [*conv(64), RELU]
for n, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
    RESNET18 += [*block(n, stride), *block(n, 1)]
RESNET18 += [{"type": "adaptive_avgpool2d", "output_size": 1}, {"type": "flatten"}, linear(10)]

ENCODER = {"type": "transformer_encoder_layer", "nhead": 4, "dim_feedforward": 512, "dropout": 0.1}
# name -> (layers, shape of a sample, batch, samples on a GPU, samples on a CPU, epochs)
MODELS = {
    "mlp": ([linear(1024), RELU, linear(1024), RELU, linear(10)], (784,), 256, 60_000, 1024, 3),
    "cnn": (
        [*conv(16), RELU, {"type": "maxpool2d", "kernel_size": 2}, *conv(32), RELU, {"type": "maxpool2d", "kernel_size": 2}, {"type": "flatten"}, linear(10)],
        (1, 28, 28), 128, 60_000, 1024, 3,
    ),
    "resnet18": (RESNET18, (3, 32, 32), 256, 25_600, 32, 2),
    "transformer": ([linear(128), ENCODER, ENCODER, ENCODER, ENCODER, {"type": "mean"}, linear(10)], (64, 16), 128, 20_480, 128, 2),
}  # fmt: skip
SMALL = "MLP 4-8-2", ([linear(8), RELU, linear(2)], (4,), 32, 20_000, 4096, 5)


class Given:
    """Arrays that lie in memory already: what data.Arrays answers, without decoding."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def features(self, dataset):
        return self.x

    def labels(self, dataset, samples):
        return self.y


class Never:
    def is_set(self):
        return False


def request(layers, hyper) -> wire.Request:
    both = {"features": {"tensor": "X"}, "labels": {"tensor": "y"}}
    return wire.parse({"operation": "train", "protocol": 1, "model_config": {"layers": layers}, "training_data": both, "hyperparameters": hyper})


def data(shape, n, classes):
    g = torch.Generator().manual_seed(1)
    return torch.randn(n, *shape, generator=g), torch.randint(0, classes, (n,), generator=g)


def ours(layers, x, y, batch, epochs, precision) -> tuple:
    r = request(layers, {"epochs": epochs + 1, "batch_size": batch, "seed": 1, "precision": precision})
    t = trainer.Trainer(r, Given(x, y), lambda event: None, Never())
    history = t.run()["history"]
    return min(h["seconds"] for h in history[1:]), t.stepper.about, t.device


def plain(layers, x, y, batch, epochs, device) -> float:
    """The loop of the tutorials."""
    model = models.build({"layers": layers}, tuple(x.shape[1:]), 1)[0].to(device.torch)
    loader = DataLoader(TensorDataset(x, y), batch_size=batch, shuffle=True)
    optimizer, loss_function = torch.optim.Adam(model.parameters(), lr=0.001), torch.nn.CrossEntropyLoss()
    seconds = []
    for _ in range(epochs + 1):
        start, total = time.perf_counter(), 0.0
        model.train()
        for xb, yb in loader:
            xb, yb = xb.to(device.torch), yb.to(device.torch)
            optimizer.zero_grad()
            with device.autocast():
                out = model(xb)
            loss = loss_function(out.float(), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(xb)
        wait()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


def bare(layers, x, y, batch, epochs, device) -> float:
    """Forward, backward and step on one batch, again and again: nothing else can be faster without another algorithm."""
    model = models.build({"layers": layers}, tuple(x.shape[1:]), 1)[0].to(device.torch).train()
    fused: dict[str, Any] = {"fused": True} if CUDA else {}
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, **fused)
    xb, yb, seconds = x[:batch].to(device.torch), y[:batch].to(device.torch), []
    for _ in range(epochs + 1):
        wait()
        start = time.perf_counter()
        for _ in range(len(x) // batch):
            optimizer.zero_grad()
            with device.autocast():
                out = model(xb)
            torch.nn.functional.cross_entropy(out.float(), yb).backward()
            optimizer.step()
        wait()
        seconds.append((time.perf_counter() - start) * len(x) / (len(x) // batch * batch))
    return min(seconds[1:])


def compare(name, quick, precision) -> dict:
    layers, shape, batch, gpu, cpu, epochs = MODELS[name] if name in MODELS else SMALL[1]
    n = gpu if CUDA and not quick else cpu // 4 if quick else cpu
    x, y = data(shape, n, layers[-1]["out_features"])
    batch, epochs = min(batch, n // 2), 1 if quick else epochs
    a = b = c = float("inf")
    for _ in range(1 if quick else 2 if CUDA else 3):
        seconds, about, device = ours(layers, x, y, batch, epochs, precision)
        a, b = min(a, seconds), min(b, plain(layers, x, y, batch, epochs, device))
        c = min(c, bare(layers, x, y, batch, epochs, device))
        devices.release()
    return {
        "model": name if name in MODELS else SMALL[0], "batch": batch, "samples": n, "precision": device.precision, "how": about,
        "ours": n / a, "plain": n / b, "bare": n / c, "ours/plain": b / a, "ours/bare": c / a,
    }  # fmt: skip


def requests(quick) -> dict:
    n, epochs = (5_000 if quick else 100_000), 100
    x, y = data((32,), n, 2)
    layers = [linear(64), RELU, linear(2)]
    value = {
        "operation": "train", "protocol": 1, "run_id": "", "model_config": {"layers": layers},
        "tensors": tensors.encode({"X": x, "y": y}), "training_data": {"features": {"tensor": "X"}, "labels": {"tensor": "y"}},
        "hyperparameters": {"epochs": epochs, "batch_size": 4096, "seed": 1},
    }  # fmt: skip
    def job() -> tuple:
        start = time.perf_counter()
        text = json.dumps(value)
        answer = json.dumps(drain(json.loads(text)))
        return time.perf_counter() - start, text, answer

    cold, mine = job()[0], math.inf  # the first one opens the GPU
    for _ in range(2):
        seconds, text, answer = job()
        mine = min(mine, seconds)
    rows, labels, few = x.tolist(), y.tolist(), 2
    start = time.perf_counter()
    state, sent, got = None, 0, 0
    for _ in range(few):
        sent, state, got = predecessor(rows, labels, state)
    theirs = (time.perf_counter() - start) / few * epochs
    return {"samples": n, "epochs": epochs, "ours_s": mine, "ours_cold_s": cold, "theirs_s": theirs, "times": theirs / mine, "ours_bytes": len(text) + len(answer), "theirs_bytes": (sent + got) * epochs}


def predecessor(rows, labels, state) -> tuple:
    """One epoch as the system before did it: lists as JSON, a new optimizer, one full batch, a pickled state in base64. The pickle is
    our own, of this process; it is here as the thing that is measured."""
    text = json.dumps({"input": {"operation": "train_epoch", "training_data": {"features": rows, "labels": labels}, "model_state": state}})
    value = json.loads(text)["input"]
    device = torch.device("cuda" if CUDA else "cpu")
    model = torch.nn.Sequential(torch.nn.Linear(32, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))
    if value["model_state"]:
        model.load_state_dict(torch.load(io.BytesIO(base64.b64decode(value["model_state"]))))
    model.to(device)
    x = torch.tensor(value["training_data"]["features"], dtype=torch.float32).to(device)
    y = torch.tensor(value["training_data"]["labels"]).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    out = model(x)
    loss = torch.nn.functional.cross_entropy(out, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    buffer = io.BytesIO()
    torch.save(model.cpu().state_dict(), buffer)
    answer = json.dumps({"metrics": {"loss": loss.item()}, "model_state": base64.b64encode(buffer.getvalue()).decode()})
    return len(text), json.loads(answer)["model_state"], len(answer)


def drain(value) -> list:
    async def all_of():
        return [event async for event in handler.stream({"id": "bench", "input": value})]

    return asyncio.run(all_of())


def scaling(quick) -> list:
    """Weak scaling: twice the GPUs, twice the batch."""
    count = torch.cuda.device_count() if CUDA else 2
    if not CUDA:
        os.environ["GOPHERPOD_CPU_RANKS"] = str(count)
    rows = []
    for name in ("mlp", "resnet18"):
        layers, shape, batch, gpu, cpu, _ = MODELS[name]
        n = gpu if CUDA and not quick else cpu
        x, y = data(shape, n, 10)
        speeds = []
        for gpus in (1, count):
            value = {
                "operation": "train", "protocol": 1, "model_config": {"layers": layers}, "tensors": tensors.encode({"X": x, "y": y}),
                "training_data": {"features": {"tensor": "X"}, "labels": {"tensor": "y"}},
                "hyperparameters": {"epochs": 3, "batch_size": min(batch * gpus, n), "seed": 1, "gpus": gpus},
            }  # fmt: skip
            speeds.append(ddp.samples_a_second(operations.run(value, lambda event: None, operations.Stop())["history"]))
            devices.release()
        rows.append({"model": name, "gpus": count, "one": speeds[0], "all": speeds[1], "times": speeds[1] / speeds[0]})
    return rows


def start() -> dict:
    x, y = data((32,), 2000, 2)
    value = {
        "operation": "train", "protocol": 1, "model_config": {"layers": [linear(64), RELU, linear(2)]}, "tensors": tensors.encode({"X": x, "y": y}),
        "training_data": {"features": {"tensor": "X"}, "labels": {"tensor": "y"}}, "hyperparameters": {"epochs": 3, "seed": 1},
    }  # fmt: skip
    code = "import sys,json,asyncio; sys.path.insert(0, sys.argv[1]); from gopherpod_worker import handler\nasync def f():\n async for e in handler.stream({'id':'1','input':json.load(sys.stdin)}):\n  if e['type']=='epoch': print('epoch'); return\nasyncio.run(f())"
    text = json.dumps(value)
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, str(WORKER)], input=text, text=True, check=True, capture_output=True)
    cold = time.perf_counter() - begun

    async def first() -> float:
        begun = time.perf_counter()
        async with contextlib.aclosing(handler.stream({"id": "1", "input": json.loads(text)})) as events:
            async for event in events:
                if event["type"] == "epoch":
                    return time.perf_counter() - begun
        raise RuntimeError("no epoch")

    warm = statistics.median(asyncio.run(first()) for _ in range(6))
    return {"cold_s": cold, "warm_s": warm, "bytes_in": len(text), "bytes_out": sum(len(json.dumps(e)) for e in drain(json.loads(text)))}


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--quick", action="store_true", help="small sizes: that everything runs")
    p.add_argument("--only", default="small,mlp,cnn,resnet18,transformer,requests,scaling,start")
    p.add_argument("--precision", default="auto")
    p.add_argument("--json", metavar="FILE")
    args = p.parse_args()
    info = devices.info()
    device = info["device_name"] if CUDA else f"CPU, {info['threads']} threads"
    print(f"device: {device}; torch {info['torch_version']}, CUDA {info['cuda_version']}")
    found: dict = {"device": device, "torch": info["torch_version"], "models": []}
    print(f"\n{'model':<12} {'batch':>5} {'samples':>7} {'ours/s':>10} {'plain/s':>10} {'bare/s':>10} {'ours/plain':>10} {'ours/bare':>9}")
    for name in args.only.split(","):
        if name in MODELS or name == "small":
            r = compare(name, args.quick, args.precision)
            found["models"].append(r)
            print(f"{r['model']:<12} {r['batch']:>5} {r['samples']:>7} {r['ours']:>10.0f} {r['plain']:>10.0f} {r['bare']:>10.0f} {r['ours/plain']:>10.2f} {r['ours/bare']:>9.2f}  {r['precision']}, {r['how']}", flush=True)
    if "requests" in args.only:
        r = found["requests"] = requests(args.quick)
        print(f"\n{r['epochs']} epochs on {r['samples']} x 32: {r['ours_s']:.2f} s ({r['ours_cold_s']:.2f} s as a process's first job) and {r['ours_bytes'] / 1e6:.1f} MB; the predecessor's way {r['theirs_s']:.0f} s and {r['theirs_bytes'] / 1e6:.0f} MB: {r['times']:.0f} times")
    if "scaling" in args.only and (not CUDA or torch.cuda.device_count() > 1):
        for r in found.setdefault("scaling", scaling(args.quick)):
            print(f"\n{r['model']}: {r['all']:.0f} samples/s on {r['gpus']} {'GPUs' if CUDA else 'processes'}, {r['one']:.0f} on one: {r['times']:.2f} times")
    if "start" in args.only:
        r = found["start"] = start()
        print(f"\nto the first epoch event: {r['cold_s']:.2f} s from the start of the process, {r['warm_s'] * 1000:.1f} ms warm; {r['bytes_in']} bytes in, {r['bytes_out']} out")
    if args.json:
        Path(args.json).write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    torch.manual_seed(0)
    sys.exit(main())
