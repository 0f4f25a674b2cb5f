"""Models as Python source: what a source may define, what is wrong with one, and how errors name its lines."""

import pytest
import torch
from helpers import request, run, same, states

from gopherpod_worker import evaluate, models, operations, tensors, wire

NET = """import math

class Block(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.a = nn.Linear(n, n)
    def forward(self, x):
        return x + F.relu(self.a(x))

class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.first, self.block, self.last = nn.Linear(4, width), Block(width), nn.Linear(width, 3)
    def forward(self, x):
        return self.last(self.block(self.first(x)))
"""
FEW = {"epochs": 2, "batch_size": 16, "seed": 3}


@pytest.fixture(autouse=True)
def allowed(monkeypatch):
    monkeypatch.setenv("GOPHERPOD_ALLOW_CODE", "1")


def python(source=NET, **more):
    return {"type": "python", "source": source, **more}


def trained(source, hyper=None, **more):
    return run(request(model=python(source), hyper={**FEW, **(hyper or {})}, **more))[0]


def refused(source, hyper=None, **more):
    with pytest.raises(wire.JobError) as e:
        trained(source, hyper, **more)
    assert e.value.kind in ("InvalidRequest", "Diverged"), e.value.kind
    return str(e.value)


def test_the_last_class_is_the_model():
    got = trained(NET)
    assert got["model_config"]["class"] == "Net" and got["model_config"]["source"] == NET and got["output"] == [3]
    assert got["parameters"] == 4 * 8 + 8 + 8 * 8 + 8 + 8 * 3 + 3
    assert list(states(got)[0]) == ["first.weight", "first.bias", "block.a.weight", "block.a.bias", "last.weight", "last.bias"]


def test_a_function_named_model_is_the_model():
    got = trained(NET + "\ndef model(width=5):\n    return Net(width)\n")
    assert got["model_config"]["class"] == "model" and states(got)[0]["first.weight"].shape == (5, 4)


def test_a_named_class_gets_its_arguments():
    got = run(request(model=python(**{"class": "Net", "args": {"width": 2}}), hyper=FEW))[0]
    assert states(got)[0]["first.weight"].shape == (2, 4)


def test_it_starts_and_trains_as_the_same_layers_do():
    source = "class Net(nn.Sequential):\n    def __init__(self):\n        super().__init__(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))\n"
    a, b = trained(source), run(request(hyper=FEW))[0]
    assert same(states(a)[0], states(b)[0]) and [e["loss"] for e in a["history"]] == [e["loss"] for e in b["history"]]


def test_evaluate_and_predict():
    got = trained(NET)
    ask = {"model": got["model_config"], "model_state": got["model_state"]}
    metrics = run(request("evaluate", **ask))[0]["metrics"]
    assert 0 <= metrics["accuracy"] <= 1 and "f1" in metrics["per_class"][0]
    assert tensors.decode(run(request("predict", **ask))[0]["tensors"])["predictions"].shape == (90, 3)


def test_it_continues_and_a_state_of_another_is_refused():
    five, two = trained(NET, {"epochs": 5}), trained(NET)
    more = trained(NET, {"epochs": 3}, model_state=two["model_state"], optimizer_state=two["optimizer_state"], start_epoch=2)
    assert same(states(five)[0], states(more)[0])
    assert "has besides" in refused("def model():\n    return nn.Linear(4, 3)\n", model_state=two["model_state"])


def test_integers_stay_integers():
    source = "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.e = nn.Embedding(9, 3)\n    def forward(self, x):\n        assert x.dtype == torch.int64\n        return self.e(x).mean(1)\n"
    x = torch.arange(12).reshape(6, 2) % 9
    named = tensors.encode({"X": x, "y": torch.tensor([0, 1, 2, 0, 1, 2])})
    assert len(run(request(model=python(source), hyper=FEW) | {"tensors": named})[0]["history"]) == 2
    floats = NET.replace("nn.Linear(4, width)", "nn.Linear(2, width)")
    with pytest.raises(wire.JobError, match="line 15, in forward.*x.float"):
        run(request(model=python(floats), hyper=FEW) | {"tensors": named})


# The functions beside the model --------------------------------------------------------


def test_loss():
    plain = trained(NET)
    own = trained(NET + "\ndef loss(outputs, targets):\n    return F.cross_entropy(outputs, targets)\n")
    assert [e["loss"] for e in own["history"]] == [e["loss"] for e in plain["history"]] and "accuracy" in own["history"][0]
    double = trained(NET + "\ndef loss(outputs, targets):\n    return 2 * F.cross_entropy(outputs, targets)\n", {"optimizer": "sgd"})
    assert double["history"][0]["loss"] > 1.5 * plain["history"][0]["loss"]


VAE = """
class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.code, self.back = nn.Linear(4, 4), nn.Linear(2, 4)
    def forward(self, x):
        mean, log = self.code(x).chunk(2, 1)
        z = mean + torch.randn_like(mean) * (log / 2).exp() if self.training else mean
        return {"image": self.back(z), "mean": mean, "log": log}

def loss(outputs, targets):
    kl = -0.5 * (1 + outputs["log"] - outputs["mean"] ** 2 - outputs["log"].exp()).sum(1).mean()
    return F.mse_loss(outputs["image"], targets) + 0.01 * kl

def metrics(outputs, targets):
    return {"error": (outputs["image"] - targets).abs().mean(), "codes": len(outputs["mean"])}
"""


def test_several_outputs():
    """The loss and the metrics get all of them, predictions are the first."""
    ask = request(hyper={**FEW, "loss_function": "mse"})
    x = tensors.decode(ask["tensors"])["X"]
    ask["tensors"] = tensors.encode({"X": x, "y": x})
    got = run({**ask, "model_config": python(VAE), "hyperparameters": {**FEW, "loss_function": "mse", "validation_split": 0.2}})[0]
    last = got["history"][-1]
    assert last["val_custom"]["codes"] == 18 and 0 < last["val_custom"]["error"] < 9 and "custom" not in last
    ask = {"model_config": got["model_config"], "model_state": got["model_state"], "protocol": 1, "tensors": tensors.encode({"X": x, "y": x})}
    out = run({"operation": "predict", "input_data": {"features": {"tensor": "X"}}, **ask})[0]
    assert tensors.decode(out["tensors"])["predictions"].shape == (90, 4)
    data = {"features": {"tensor": "X"}, "labels": {"tensor": "y"}}
    metrics = run({"operation": "evaluate", "evaluation_data": data, "hyperparameters": {"loss_function": "mse"}, **ask})[0]["metrics"]
    assert metrics["custom"]["codes"] == 90 and "r2" in metrics


def test_metrics_of_training_batches_without_validation():
    got = trained(NET + "\ndef metrics(outputs, targets):\n    return {'size': float(len(outputs)), 'one': 1}\n")
    # 90 samples in batches of 16: five of 16 and one of 10
    assert got["history"][0]["custom"] == {"size": pytest.approx((80 * 16 + 10 * 10) / 90), "one": pytest.approx(1)}


def test_labels_of_another_shape_reach_an_own_loss_as_they_are():
    source = NET + "\ndef loss(outputs, targets):\n    assert targets.shape[1:] == (2,) and targets.dtype == torch.float32\n    return (outputs.sum(1) - targets.sum(1)).square().mean()\n"
    ask = request(model=python(source), hyper={**FEW, "loss_function": "mse"})
    named = tensors.decode(ask["tensors"])
    got, _ = run(ask | {"tensors": tensors.encode({"X": named["X"], "y": torch.ones(90, 2)})})
    assert "accuracy" not in got["history"][0]


def test_augment():
    """It changes training batches only, and the same seed draws the same."""
    source = NET + "\ndef augment(batch, generator):\n    return batch + torch.randn(batch.shape, generator=generator)\n"
    a, b = trained(source), trained(source)
    assert same(states(a)[0], states(b)[0]) and not same(states(a)[0], states(trained(NET))[0])
    ask = {"model_state": a["model_state"]}
    assert run(request("evaluate", model=python(source), **ask))[0]["metrics"]["loss"] == run(request("evaluate", model=python(NET), **ask))[0]["metrics"]["loss"]


GROUPS = """
def configure_optimizer(model):
    head = list(model.last.parameters())
    rest = [p for n, p in model.named_parameters() if not n.startswith("last")]
    return torch.optim.AdamW([{"params": head, "lr": 0.01}, {"params": rest, "lr": 0.0}])
"""


def test_configure_optimizer_with_groups():
    start, _, _ = models.build(python(), (4,), FEW["seed"])
    got = trained(NET + GROUPS)
    after = states(got)[0]
    assert torch.equal(after["first.weight"], start.state_dict()["first.weight"])
    assert not torch.equal(after["last.weight"], start.state_dict()["last.weight"])
    assert got["history"][0]["learning_rate"] == 0.01
    five = trained(NET + GROUPS, {"epochs": 5})
    more = trained(NET + GROUPS, {"epochs": 3}, model_state=got["model_state"], optimizer_state=got["optimizer_state"], start_epoch=2)
    assert same(states(five)[0], states(more)[0])
    stepped = trained(NET + GROUPS, {"scheduler": {"type": "step", "step_size": 1, "gamma": 0.5}})
    assert [e["learning_rate"] for e in stepped["history"]] == [0.01, 0.005]


def test_a_training_that_continues_within_an_epoch_keeps_its_metrics(tmp_path):
    from gopherpod_worker.runs import Memory

    source = NET + "\ndef metrics(outputs, targets):\n    return {'mean': outputs.mean()}\n" + "\ndef augment(batch, generator):\n    return batch + torch.randn(batch.shape, generator=generator)\n"
    ask = request(model=python(source), hyper=FEW)
    whole, _ = run(ask)

    class After:
        left = 9

        def is_set(self):
            self.left -= 1
            return self.left < 0

    with pytest.raises(Exception) as e:
        run(ask, stop=After(), memory=Memory("r", ask, tmp_path))
    assert type(e.value).__name__ == "Stopped"
    again, _ = run(ask, memory=Memory("r", ask, tmp_path))
    assert same(states(again)[0], states(whole)[0])
    assert [x["custom"] for x in again["history"]] == [{"mean": pytest.approx(x["custom"]["mean"])} for x in whole["history"]]


# What is wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source, words",
    [
        ("class Net(nn.Module):\n    def forward(self, x)\n        return x\n", ["line 2", "SyntaxError"]),
        ("x = 1\ny = missing\n", ["line 2, y = missing", "NameError"]),
        ("import sys\nsys.exit(4)\n", ["line 2, sys.exit(4): SystemExit: 4"]),
        ("x = 1\n", ["defines no model", "def model()"]),
        ("def model():\n    return 3\n", ["gives a int", "nn.Module"]),
        (NET.replace("nn.Linear(width, 3)", "nn.Linear(7, 3)"), ["line 15, in forward, return self.last", "7x3", "two samples of [4] numbers"]),
        (NET.replace("return x + F", "return None and F"), ["line 15", "TypeError", "NoneType"]),
        (NET.replace("return self.last(", "return str("), ["forward returns a str"]),
        (NET.replace("return self.last(self.block(self.first(x)))", "return ()"), ["forward returns an empty tuple"]),
        (NET.replace("return self.last(", "return torch.mean("), ["shape []", "an output for each sample"]),
        (NET + "loss = 3\n", ["loss is a int"]),
        (NET + "def loss(outputs):\n    return 1\n", ["loss(outputs)", "want loss(outputs, targets)"]),
        (NET + "def loss(outputs, targets):\n    return 1.0\n", ["loss returns a float", "one number"]),
        (NET + "def loss(outputs, targets):\n    return outputs\n", ["loss returns a tensor of shape [2, 3]", ".mean()"]),
        (NET + "def loss(outputs, targets):\n    return 1 / 0\n", ["line 17, in loss, return 1 / 0", "ZeroDivisionError"]),
        (NET + "def loss(outputs, targets):\n    return outputs.mean() * float('nan')\n", ["the loss of epoch 1 is NaN"]),
        (NET + "def loss(outputs, targets):\n    return outputs.detach().mean()\n", ["does not depend on the outputs"]),
        (NET + "class Bad(torch.autograd.Function):\n    @staticmethod\n    def forward(c, x):\n        return x.sum()\n    @staticmethod\n    def backward(c, g):\n        raise OSError('no')\ndef loss(outputs, targets):\n    return Bad.apply(outputs)\n", ["line 22, in backward"]),
        (NET + "def loss(outputs, targets):\n    return (outputs > 0).sum()\n", ["loss returns a number of type torch.int64"]),
        (NET + "def metrics(outputs, targets):\n    return [1]\n", ["metrics returns a list"]),
        (NET + "def metrics(outputs, targets):\n    return {'a': outputs}\n", ["gives a as a tensor of shape"]),
        (NET + "def metrics(outputs, targets):\n    raise KeyError('x')\n", ["line 17, in metrics", "KeyError"]),
        (NET + "def augment(batch, generator):\n    return batch[:1]\n", ["augment returns 1 samples of 2"]),
        (NET + "def configure_optimizer(model):\n    return 1\n", ["configure_optimizer returns a int"]),
        (NET + "def configure_optimizer(model):\n    return torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1)\n", ["not the model's"]),
    ],
)
def test_refused(source, words):
    text = refused(source)
    for word in words:
        assert word in text, text
    assert "\n" not in text


def test_a_class_that_is_missing():
    with pytest.raises(wire.JobError, match='defines no "Nets".*Block, Net'):
        run(request(model=python(**{"class": "Nets"}), hyper=FEW))


def test_the_lines_that_called_are_named():
    text = refused(NET.replace("F.relu(self.a(x))", "F.relu(self.a(x)).reshape(7, 7)"))
    assert text.startswith("model_config.source: line 8, in forward, return x + ") and "called from line 15, in forward" in text


def test_an_error_in_the_middle_of_a_training_names_its_line():
    source = NET + "\ncalls = []\n\ndef loss(outputs, targets):\n    calls.append(1)\n    if len(calls) > 4:\n        raise ValueError('enough')\n    return F.cross_entropy(outputs, targets)\n"
    assert "line 22, in loss, raise ValueError('enough'): ValueError: enough" in refused(source)


def test_a_source_that_is_missing():
    with pytest.raises(wire.JobError, match="is missing"):
        run(request(model={"type": "python"}, hyper=FEW))
    assert evaluate.BATCH and operations.source_of({"model_config": {"type": "python", "source": 3}}) == ""
