#!/usr/bin/env python3
"""Trains small models with PyTorch on the CPU and writes their losses and outputs.

    python3 make_fixtures.py > fixtures.json

Each case is a job's input for the operation train, the loss of each epoch, and
the outputs of the trained model for the training features. The engine's tests
run the same input and compare. The models start from the seed only, so the
tests also check that initialisation, shuffles and dropout masks are PyTorch's.
Layers before a batch norm have no bias: the gradient of a bias would be zero
except for rounding, and Adam turns that into steps of any size.
PyTorch 1.13.1 of Debian 12 made the committed file, with one thread.
"""

import json
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)


class Residual(nn.Module):
    def __init__(self, layers, shortcut=()):
        super().__init__()
        self.layers, self.shortcut = nn.Sequential(*layers), nn.Sequential(*shortcut)

    def forward(self, x):
        return self.layers(x) + self.shortcut(x)


class Branches(nn.Module):
    def __init__(self, branches, merge, dim):
        super().__init__()
        self.branches, self.merge, self.dim = nn.ModuleList(nn.Sequential(*b) for b in branches), merge, dim

    def forward(self, x):
        out = [b(x) for b in self.branches]
        return torch.cat(out, self.dim) if self.merge == "concat" else sum(out)


class Call(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, x):
        return self.f(x)


class Last(nn.Module):
    """A recurrent layer's outputs, or the last one."""

    def __init__(self, inner, last):
        super().__init__()
        self.inner, self.last = inner, last

    def forward(self, x):
        y, _ = self.inner(x)
        return y[:, -1] if self.last else y


class NAdam(torch.optim.Optimizer):
    """As in PyTorch 2; 1.13 multiplied mu into the second product twice."""

    def __init__(self, params, lr, betas, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})
        self.t, self.product = 0, 1.0

    @torch.no_grad()
    def step(self):
        self.t += 1
        (group,) = self.param_groups
        (b1, b2), lr = group["betas"], group["lr"]
        mu, after = (b1 * (1 - 0.5 * 0.96 ** (t * 0.004)) for t in (self.t, self.t + 1))
        self.product *= mu
        for p in group["params"]:
            s = self.state[p]
            g = p.grad.add(p, alpha=group["weight_decay"])
            m, v = (s.setdefault(k, torch.zeros_like(p)) for k in ("m", "v"))
            m.mul_(b1).add_(g, alpha=1 - b1)
            v.mul_(b2).addcmul_(g, g, value=1 - b2)
            root = v.div(1 - b2**self.t).sqrt().add_(1e-8)
            p.addcdiv_(g, root, value=-lr * (1 - mu) / (1 - self.product))
            p.addcdiv_(m, root, value=-lr * after / (1 - self.product * after))


class Bilinear(nn.Bilinear):
    def forward(self, x):
        return super().forward(x, x)


CONTRACT = Path(__file__).resolve().parents[2] / "pytorch" / "gopherpod_worker" / "contract.json"
MODULES = {row["name"]: row.get("module") for row in json.loads(CONTRACT.read_text())["layers"]}


def build(layer):
    p = {k: v for k, v in layer.items() if k != "type"}
    t = layer["type"]
    if t == "residual":
        return Residual([build(x) for x in p["layers"]], [build(x) for x in p.get("shortcut", [])])
    if t == "branches":
        return Branches([[build(x) for x in b] for b in p["branches"]], p.get("merge", "concat"), p.get("dim", 1))
    if t == "reshape":
        return Call(lambda x: x.reshape(len(x), *p["shape"]))
    if t == "permute":
        return Call(lambda x: x.permute(0, *p["dims"]))
    if t == "mean":
        return Call(lambda x: x.mean(p.get("dim", 1)))
    if t in ("rnn", "lstm", "gru"):
        last = p.pop("output", "last") == "last"
        return Last(getattr(nn, t.upper())(batch_first=True, **p), last)
    if t == "bilinear":
        return Bilinear(**p)
    if t == "transformer_encoder_layer":
        p["batch_first"] = True
    if t in ("softmax", "softmin", "log_softmax"):
        p.setdefault("dim", -1)
    return getattr(nn, MODULES[t])(**p)


def optimizer(h, params):
    lr, wd = h["learning_rate"], h.get("weight_decay")
    kw = {} if wd is None else {"weight_decay": wd}
    name = h.get("optimizer", "adam")
    if name == "sgd":
        return torch.optim.SGD(params, lr=lr, momentum=h.get("momentum", 0), dampening=h.get("dampening", 0), nesterov=h.get("nesterov", False), **kw)
    if name == "rmsprop":
        return torch.optim.RMSprop(params, lr=lr, momentum=h.get("momentum", 0), alpha=h.get("alpha", 0.99), **kw)
    if name == "adagrad":
        return torch.optim.Adagrad(params, lr=lr, **kw)
    cls = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "nadam": NAdam}[name]
    return cls(params, lr=lr, betas=tuple(h.get("betas", (0.9, 0.999))), **kw)


def loss_function(h):
    name = h.get("loss_function", "cross_entropy")
    weights = torch.tensor(h["class_weights"]) if "class_weights" in h else None
    if name == "cross_entropy":
        return lambda y, t: F.cross_entropy(y, t, weight=weights, label_smoothing=h.get("label_smoothing", 0.0))
    if name == "nll":
        return lambda y, t: F.nll_loss(y, t, weight=weights)
    delta = h.get("delta", 1.0)
    return {
        "mse": F.mse_loss, "l1": F.l1_loss, "bce_with_logits": F.binary_cross_entropy_with_logits,
        "smooth_l1": lambda y, t: F.smooth_l1_loss(y, t, beta=delta), "huber": lambda y, t: F.huber_loss(y, t, delta=delta),
    }[name]  # fmt: skip


def scheduler(h, opt, batches):
    """(torch scheduler, stepped by batch)"""
    s = h.get("scheduler")
    if not s:
        return None, False
    L = torch.optim.lr_scheduler
    if s["type"] == "step":
        return L.StepLR(opt, s.get("step_size", 10), s.get("gamma", 0.1)), False
    if s["type"] == "cosine":
        return L.CosineAnnealingLR(opt, s.get("t_max", h["epochs"]), s.get("eta_min", 0)), False
    if s["type"] == "plateau":
        return L.ReduceLROnPlateau(opt, factor=s.get("factor", 0.1), patience=s.get("patience", 10)), False
    if s["type"] == "one_cycle":
        return L.OneCycleLR(opt, s["max_lr"], total_steps=h["epochs"] * batches, cycle_momentum=False), True
    steps = s.get("steps", 100)
    return L.LambdaLR(opt, lambda k: min(1.0, (k + 1) / steps)), True


def train(layers, h, x, y):
    seed, n, everything = h.get("seed", 0), len(x), x
    held = int(n * h.get("validation_split", 0))
    if held:
        order = torch.randperm(n, generator=torch.Generator().manual_seed(seed)) if h.get("shuffle", True) else torch.arange(n)
        xv, yv = x[order[n - held :]], y[order[n - held :]]
        x, y, n = x[order[: n - held]], y[order[: n - held]], n - held
    batch = h.get("batch_size", 32)
    seen = n - n % batch if h.get("drop_last") else n
    torch.manual_seed(seed)
    model = nn.Sequential(*[build(layer) for layer in layers])
    opt, loss = optimizer(h, model.parameters()), loss_function(h)
    rule, by_batch = scheduler(h, opt, -(-seen // batch))
    losses, rates, held_losses = [], [], []
    for e in range(h["epochs"]):
        model.train()
        torch.manual_seed(seed + 1 + e)
        order = torch.randperm(n) if h.get("shuffle", True) else torch.arange(n)
        torch.manual_seed(seed + 1 + e)
        total = 0.0
        for i in range(0, seen, batch):
            rate = opt.param_groups[0]["lr"]
            k = order[i : i + batch]
            value = loss(model(x[k]), y[k])
            opt.zero_grad()
            value.backward()
            if h.get("clip_norm"):
                nn.utils.clip_grad_norm_(model.parameters(), h["clip_norm"])
            if h.get("clip_value"):
                nn.utils.clip_grad_value_(model.parameters(), h["clip_value"])
            opt.step()
            if by_batch:
                rule.step()
            total += value.item() * len(k)
        losses.append(total / seen)
        rates.append(rate)
        if held:
            model.eval()
            with torch.no_grad():
                held_losses.append(loss(model(xv), yv).item())
        if rule and not by_batch:
            rule.step(total / n) if h["scheduler"]["type"] == "plateau" else rule.step()
    model.eval()
    with torch.no_grad():
        return losses, rates, held_losses, model(everything)


def numbers(t):
    return [numbers(v) for v in t] if t.dim() else round(t.item(), 7) if t.is_floating_point() else t.item()


def case(name, layers, h, shape, labels, n=24, ints=0):
    g = torch.Generator().manual_seed(sum(name.encode()))
    x = torch.randint(0, ints, (n, *shape), generator=g) if ints else (torch.randn(n, *shape, generator=g) * 100).round() / 100
    if isinstance(labels, int):
        y = torch.randint(0, labels, (n,), generator=g)
    elif labels == "binary":
        y = torch.randint(0, 2, (n, 1), generator=g).float()
    else:
        y = (torch.randn(n, *labels, generator=g) * 100).round() / 100
    h = {"learning_rate": 0.01, "epochs": 20, "batch_size": n, "shuffle": False, "seed": 5, **h}
    losses, rates, held, out = train(layers, h, x, y)
    data = {"features": numbers(x), "labels": numbers(y)}
    request = {
        "operation": "train", "protocol": 1, "run_id": name, "model_config": {"type": "sequential", "layers": layers},
        "hyperparameters": h, "training_data": data,
    }  # fmt: skip
    return {"name": name, "request": request, "losses": losses, "rates": rates, "outputs": numbers(out)} | ({"held_losses": held} if held else {})


def L(type, **p):
    return {"type": type, **p}


def mlp(act="relu", out=3, **p):
    return [L("linear", in_features=6, out_features=16), L(act, **p), L("linear", in_features=16, out_features=out)]


def cases():
    yield case("sgd", mlp(), {"optimizer": "sgd", "learning_rate": 0.1}, (6,), 3)
    yield case("sgd-momentum-decay", mlp(), {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0.01}, (6,), 3)
    yield case("sgd-nesterov", mlp(), {"optimizer": "sgd", "momentum": 0.9, "nesterov": True}, (6,), 3)
    yield case("sgd-dampening", mlp(), {"optimizer": "sgd", "momentum": 0.8, "dampening": 0.3}, (6,), 3)
    yield case("adam", mlp("tanh"), {}, (6,), 3)
    yield case("adam-l2", mlp("tanh"), {"weight_decay": 0.01, "betas": [0.8, 0.99]}, (6,), 3)
    yield case("adamw", mlp("sigmoid"), {"optimizer": "adamw", "weight_decay": 0.05}, (6,), 3)
    yield case("nadam", mlp("tanh"), {"optimizer": "nadam"}, (6,), 3)
    yield case("rmsprop", mlp("tanh"), {"optimizer": "rmsprop", "learning_rate": 0.005}, (6,), 3)
    yield case("rmsprop-momentum", mlp("tanh"), {"optimizer": "rmsprop", "learning_rate": 0.002, "momentum": 0.5}, (6,), 3)
    yield case("adagrad", mlp("tanh"), {"optimizer": "adagrad"}, (6,), 3)
    yield case("clip", mlp(), {"optimizer": "sgd", "learning_rate": 0.2, "clip_norm": 0.1}, (6,), 3)
    yield case("clip-value", mlp(), {"optimizer": "sgd", "learning_rate": 0.2, "clip_value": 0.02}, (6,), 3)
    batches = {"epochs": 8, "batch_size": 5}
    yield case("drop-last", mlp(), {**batches, "drop_last": True, "shuffle": True, "scheduler": {"type": "one_cycle", "max_lr": 0.05}}, (6,), 3, n=23)
    yield case("drop-last-in-order", mlp(), {**batches, "drop_last": True}, (6,), 3, n=23)
    norm = [L("linear", in_features=6, out_features=8, bias=False), L("batchnorm1d", num_features=8), L("relu"), L("linear", in_features=8, out_features=3)]
    yield case("drop-last-of-one", norm, {**batches, "drop_last": True}, (6,), 3, n=21)
    yield case("split", mlp(), {**batches, "validation_split": 0.3, "shuffle": True}, (6,), 3)
    yield case("split-in-order", mlp(), {**batches, "validation_split": 0.3}, (6,), 3)
    yield case("class-weights", mlp(), {"class_weights": [1.0, 2.0, 0.5]}, (6,), 3)
    yield case("label-smoothing", mlp(), {"class_weights": [1.0, 2.0, 0.5], "label_smoothing": 0.1}, (6,), 3)
    yield case("nll", [*mlp(), L("log_softmax")], {"loss_function": "nll"}, (6,), 3)
    yield case("mse", mlp(out=2), {"loss_function": "mse"}, (6,), (2,))
    yield case("l1", mlp(out=2), {"loss_function": "l1"}, (6,), (2,))
    yield case("smooth-l1", mlp(out=2), {"loss_function": "smooth_l1", "delta": 0.5}, (6,), (2,))
    yield case("huber", mlp(out=2), {"loss_function": "huber", "delta": 0.7}, (6,), (2,))
    yield case("bce", mlp(out=1), {"loss_function": "bce_with_logits"}, (6,), "binary")
    for act, p in [
        ("relu6", {}), ("leaky_relu", {"negative_slope": 0.1}), ("elu", {"alpha": 0.7}), ("selu", {}), ("celu", {"alpha": 1.5}), ("gelu", {}),
        ("gelu", {"approximate": "tanh"}), ("silu", {}), ("mish", {}), ("logsigmoid", {}), ("hardsigmoid", {}), ("hardtanh", {}),
        ("hardswish", {}), ("softplus", {"beta": 2.0}), ("softsign", {}), ("softshrink", {"lambd": 0.1}), ("hardshrink", {"lambd": 0.1}),
        ("tanhshrink", {}), ("threshold", {"threshold": 0.1, "value": 0.05}), ("softmax", {}), ("softmin", {}), ("identity", {}),
        ("prelu", {}), ("prelu", {"num_parameters": 16}),
    ]:  # fmt: skip
        yield case("-".join([act, *map(str, p.values())]), mlp(act, **p), {"epochs": 6}, (6,), 3)
    yield case("glu", [L("linear", in_features=6, out_features=16), L("glu"), L("linear", in_features=8, out_features=3)], {"epochs": 6}, (6,), 3)
    yield case("bilinear", [L("bilinear", in1_features=6, in2_features=6, out_features=3)], {"epochs": 6}, (6,), 3)
    cnn = [L("conv2d", in_channels=1, out_channels=4, kernel_size=3, padding=1, bias=False), L("batchnorm2d", num_features=4), L("relu"), L("maxpool2d", kernel_size=2),
           L("conv2d", in_channels=4, out_channels=6, kernel_size=[3, 2], stride=[1, 2], bias=False), L("relu"), L("flatten"), L("linear", in_features=24, out_features=3)]  # fmt: skip
    yield case("cnn", cnn, {}, (1, 8, 8), 3, n=12)
    yield case("cnn-groups", [L("conv2d", in_channels=4, out_channels=8, kernel_size=3, groups=2, dilation=2, padding="same"), L("gelu"),
               L("avgpool2d", kernel_size=3, stride=2, padding=1, ceil_mode=True), L("groupnorm", num_groups=4, num_channels=8),
               L("adaptive_avgpool2d", output_size=[2, 2]), L("flatten"), L("linear", in_features=32, out_features=3)], {}, (4, 6, 7), 3, n=8)  # fmt: skip
    yield case("maxpool", [L("conv2d", in_channels=1, out_channels=3, kernel_size=2), L("maxpool2d", kernel_size=3, stride=2, padding=1, ceil_mode=True),
               L("flatten"), L("linear", in_features=48, out_features=3)], {}, (1, 8, 8), 3, n=8)  # fmt: skip
    yield case("conv1d", [L("conv1d", in_channels=2, out_channels=5, kernel_size=3, padding=1, bias=False), L("batchnorm1d", num_features=5), L("relu"), L("maxpool1d", kernel_size=2),
               L("avgpool1d", kernel_size=2, stride=1), L("adaptive_avgpool1d", output_size=3), L("flatten"), L("linear", in_features=15, out_features=3)], {}, (2, 12), 3, n=12)  # fmt: skip
    yield case("batchnorm1d", [L("linear", in_features=6, out_features=16, bias=False), L("batchnorm1d", num_features=16), L("relu"), L("linear", in_features=16, out_features=3)], {}, (6,), 3)
    yield case("embedding", [L("embedding", num_embeddings=11, embedding_dim=8, padding_idx=0), L("layernorm", normalized_shape=[8]), L("linear", in_features=8, out_features=6),
               L("tanh"), L("mean", dim=1), L("linear", in_features=6, out_features=3)], {}, (5,), 3, ints=11)  # fmt: skip
    yield case("residual", [L("linear", in_features=6, out_features=8), L("residual", layers=[L("linear", in_features=8, out_features=8), L("relu")]),
               L("residual", layers=[L("linear", in_features=8, out_features=5), L("tanh")], shortcut=[L("linear", in_features=8, out_features=5)]),
               L("linear", in_features=5, out_features=3)], {}, (6,), 3)  # fmt: skip
    yield case("branches", [L("branches", branches=[[L("linear", in_features=6, out_features=4), L("relu")], [L("linear", in_features=6, out_features=3)], []], merge="concat"),
               L("branches", branches=[[L("linear", in_features=13, out_features=5)], [L("linear", in_features=13, out_features=5), L("tanh")]], merge="add"),
               L("linear", in_features=5, out_features=3)], {}, (6,), 3)  # fmt: skip
    yield case("permute", [L("reshape", shape=[2, 3]), L("permute", dims=[2, 1]), L("linear", in_features=2, out_features=4), L("flatten"), L("linear", in_features=12, out_features=3)], {}, (6,), 3)
    yield case("pixel_shuffle", [L("conv2d", in_channels=2, out_channels=8, kernel_size=2), L("tanh"), L("pixel_shuffle", upscale_factor=2), L("flatten"), L("linear", in_features=48, out_features=3)], {}, (2, 3, 4), 3, n=8)
    yield case("transposed", [L("conv_transpose2d", in_channels=2, out_channels=4, kernel_size=[3, 2], stride=2, padding=1, output_padding=[1, 0], groups=2, dilation=[1, 2]), L("tanh"),
               L("adaptive_maxpool2d", output_size=[3, 2]), L("instancenorm2d", num_features=4, affine=True), L("flatten"), L("linear", in_features=24, out_features=3)], {}, (2, 4, 5), 3, n=8)  # fmt: skip
    yield case("transposed1d", [L("conv_transpose1d", in_channels=2, out_channels=3, kernel_size=4, stride=3, bias=False), L("instancenorm1d", num_features=3, track_running_stats=True),
               L("relu"), L("conv_transpose1d", in_channels=3, out_channels=2, kernel_size=2), L("adaptive_maxpool1d", output_size=4), L("flatten"),
               L("linear", in_features=8, out_features=3)], {"optimizer": "sgd"}, (2, 4), 3, n=8)  # fmt: skip
    mini = {"batch_size": 7, "shuffle": True, "epochs": 6}
    yield case("minibatch", mlp(), mini, (6,), 3, n=30)
    yield case("dropout", [L("linear", in_features=6, out_features=16), L("relu"), L("dropout", p=0.3), L("linear", in_features=16, out_features=3), L("dropout", p=0.1)], mini, (6,), 3, n=30)
    yield case("dropout2d", [L("conv2d", in_channels=1, out_channels=6, kernel_size=3), L("dropout2d", p=0.4), L("flatten"), L("linear", in_features=54, out_features=3)], mini, (1, 5, 5), 3, n=15)
    yield case("dropout1d", [L("conv1d", in_channels=2, out_channels=6, kernel_size=2), L("dropout1d", p=0.4), L("flatten"), L("linear", in_features=24, out_features=3)], mini, (2, 5), 3, n=15)
    yield case("dropout3d", [L("reshape", shape=[6, 2, 2, 1]), L("dropout3d", p=0.3), L("flatten"), L("linear", in_features=24, out_features=3)], mini, (24,), 3, n=15)
    yield case("norms-3d", [L("linear", in_features=24, out_features=24), L("reshape", shape=[3, 2, 2, 2]), L("instancenorm3d", num_features=3, affine=True), L("tanh"),
               L("batchnorm3d", num_features=3), L("flatten"), L("linear", in_features=24, out_features=3)], {"optimizer": "sgd"}, (24,), 3, n=12)  # fmt: skip
    for s in [{"type": "step", "step_size": 2, "gamma": 0.5}, {"type": "cosine"}, {"type": "cosine", "t_max": 4, "eta_min": 0.001},
              {"type": "one_cycle", "max_lr": 0.05}, {"type": "plateau", "factor": 0.5, "patience": 1}, {"type": "warmup", "steps": 12}]:  # fmt: skip
        lr = 0.3 if s["type"] == "plateau" else 0.01
        yield case("schedule-" + "-".join(map(str, s.values())), mlp(), {**mini, "scheduler": s, "learning_rate": lr, "optimizer": "sgd"}, (6,), 3, n=30)
    for t, p in [("rnn", {}), ("lstm", {}), ("gru", {}), ("lstm", {"num_layers": 2, "bidirectional": True, "output": "sequence"}),
                 ("gru", {"num_layers": 2, "bidirectional": True}), ("rnn", {"nonlinearity": "relu", "bias": False})]:  # fmt: skip
        width = 10 if p.get("bidirectional") else 5
        tail = [L("mean", dim=1)] if p.get("output") == "sequence" else []
        yield case("-".join([t, *map(str, p.values())]), [L(t, input_size=3, hidden_size=5, **p), *tail, L("linear", in_features=width, out_features=3)], {}, (4, 3), 3, n=10)
    yield case("lstm-dropout", [L("lstm", input_size=3, hidden_size=5, num_layers=2, dropout=0.3), L("linear", in_features=5, out_features=3)], mini, (4, 3), 3, n=15)
    for p in [{"dropout": 0.0}, {"dropout": 0.0, "norm_first": True, "activation": "gelu"}, {"dropout": 0.1}]:
        yield case("-".join(["transformer", *map(str, p.values())]), [L("transformer_encoder_layer", d_model=8, nhead=2, dim_feedforward=16, **p), L("mean", dim=1),
                   L("linear", in_features=8, out_features=3)], {"learning_rate": 0.003}, (5, 8), 3, n=10)  # fmt: skip


print("[")
for i, c in enumerate(cases()):
    print(("," if i else "") + json.dumps(c, separators=(",", ":")))
print("]")
