"""Every layer type: built, its size inferred, forward and backward, state out and in; and what is refused."""

import pytest
import torch
from torch import nn

from gopherpod_worker import layers, models, wire

# name -> (parameters, shape of a sample, shape of an output)
CASES = {
    "linear": ({"out_features": 5}, (4,), (5,)),
    "bilinear": ({"out_features": 5}, (4,), (5,)),
    "embedding": ({"num_embeddings": 9, "embedding_dim": 3, "padding_idx": 0}, (6,), (6, 3)),
    "layernorm": ({}, (4, 6), (4, 6)),
    "groupnorm": ({"num_groups": 2}, (4, 6), (4, 6)),
    "transformer_encoder_layer": ({"nhead": 2, "dim_feedforward": 8, "activation": "gelu", "norm_first": True}, (5, 4), (5, 4)),
    "flatten": ({}, (2, 3, 4), (24,)),
    "reshape": ({"shape": [4, -1]}, (2, 6), (4, 3)),
    "permute": ({"dims": [2, 1]}, (2, 6), (6, 2)),
    "pixel_shuffle": ({"upscale_factor": 2}, (8, 3, 5), (2, 6, 10)),
    "mean": ({"dim": 1}, (2, 6), (6,)),
    "rnn": ({"hidden_size": 3, "nonlinearity": "relu"}, (5, 4), (3,)),
    "lstm": ({"hidden_size": 3, "bidirectional": True, "output": "sequence", "num_layers": 2, "dropout": 0.1}, (5, 4), (5, 6)),
    "gru": ({"hidden_size": 3}, (5, 4), (3,)),
    "prelu": ({"num_parameters": 4}, (4, 6), (4, 6)),
    "glu": ({}, (4, 6), (4, 3)),
    "conv1d": ({"out_channels": 4, "kernel_size": 3, "padding": "same"}, (2, 8), (4, 8)),
    "conv2d": ({"out_channels": 4, "kernel_size": [3, 2], "stride": 2, "padding": 1, "groups": 2}, (2, 8, 8), (4, 4, 5)),
    "conv3d": ({"out_channels": 4, "kernel_size": 3, "bias": False}, (2, 6, 6, 6), (4, 4, 4, 4)),
    "conv_transpose1d": ({"out_channels": 4, "kernel_size": 3, "stride": 2}, (2, 8), (4, 17)),
    "conv_transpose2d": ({"out_channels": 4, "kernel_size": 3, "stride": 2, "output_padding": 1}, (2, 4, 4), (4, 10, 10)),
    "conv_transpose3d": ({"out_channels": 4, "kernel_size": 2}, (2, 3, 3, 3), (4, 4, 4, 4)),
}
SPACE = {1: (4, 8), 2: (4, 8, 8), 3: (4, 8, 8, 8)}
for d, shape in SPACE.items():
    half = (4, *[4] * d)
    CASES |= {
        f"maxpool{d}d": ({"kernel_size": 2}, shape, half),
        f"avgpool{d}d": ({"kernel_size": 2, "count_include_pad": False}, shape, half),
        f"adaptive_avgpool{d}d": ({"output_size": 4}, shape, half),
        f"adaptive_maxpool{d}d": ({"output_size": 4}, shape, half),
        f"batchnorm{d}d": ({}, shape, shape),
        f"instancenorm{d}d": ({"affine": True, "track_running_stats": True}, shape, shape),
        f"dropout{d}d": ({"p": 0.3}, shape, shape),
    }
CASES |= {name: ({}, (4, 6), (4, 6)) for name in layers.TABLE if name not in CASES}


@pytest.mark.parametrize("name", sorted(layers.TABLE))
def test_forward_and_backward(name):
    params, shape, want = CASES[name]
    spec = {"type": "sequential", "layers": [{"type": name, **params}]}
    model, full, out_shape = models.build(spec, shape, 1, whole=name == "embedding")
    assert out_shape == want
    g = torch.Generator().manual_seed(2)
    x = torch.randint(0, 9, (3, *shape), generator=g) if name == "embedding" else torch.randn(3, *shape, generator=g).requires_grad_()
    out = model.train()(x)
    assert tuple(out.shape[1:]) == want
    out.sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    again, _, _ = models.build(full, shape, 5, whole=name == "embedding")  # the full specification builds the same
    models.load(again, models.state(model))
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values()))
    assert torch.equal(model.eval()(x), again.eval()(x))


@pytest.mark.parametrize("name", sorted(layers.TABLE))
def test_unknown_parameters_are_refused(name):
    params, shape, _ = CASES[name]
    with pytest.raises(wire.JobError) as e:
        models.build({"type": "sequential", "layers": [{"type": name, **params, "zzz": 1}]}, shape, 1)
    assert e.value.field == "model_config.layers[0].zzz"


def test_the_weights_are_pytorchs_own_start():
    spec = {"layers": [{"type": "conv2d", "out_channels": 3, "kernel_size": 3}, {"type": "maxpool2d", "kernel_size": 2}, {"type": "flatten"}, {"type": "linear", "out_features": 2}]}
    model, _, _ = models.build(spec, (1, 8, 8), 7)
    torch.manual_seed(7)
    want = nn.Sequential(nn.Conv2d(1, 3, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 2))
    assert list(model.state_dict()) == list(want.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), want.state_dict().values()))


def linear(n):
    return {"type": "linear", "out_features": n}


def test_residuals_branches_and_graphs():
    spec = {
        "layers": [
            {"type": "residual", "layers": [linear(8), {"type": "relu"}, linear(4)]},
            {"type": "residual", "layers": [linear(6)], "shortcut": [linear(6)]},
            {"type": "branches", "branches": [[linear(2)], [], [linear(3)]], "merge": "concat"},
            {"type": "branches", "branches": [[linear(3)], [linear(3)]], "merge": "add"},
        ]
    }
    model, full, out = models.build(spec, (4,), 0)
    assert out == (3,) and "1.shortcut.0.weight" in model.state_dict() and "2.branches.2.0.bias" in model.state_dict()
    model(torch.randn(5, 4)).sum().backward()
    assert full["layers"][0]["layers"][0] == {"type": "linear", "out_features": 8, "in_features": 4}
    graph = {
        "type": "graph",
        "nodes": [
            {"name": "a", "layers": [linear(6)]},
            {"name": "b", "inputs": ["input"], "layers": [linear(6), {"type": "tanh"}]},
            {"name": "c", "inputs": ["a", "b"], "merge": "multiply", "layers": []},
            {"name": "d", "inputs": ["c", "input"], "layers": [linear(2)]},
        ],
        "output": "d",
    }
    model, full, out = models.build(graph, (4,), 0)
    assert out == (2,) and "nodes.d.0.weight" in model.state_dict() and models.build(full, (4,), 0)[2] == (2,)
    x = torch.randn(5, 4)
    a, b = model.nodes["a"](x), model.nodes["b"](x)
    assert torch.equal(model(x), model.nodes["d"](torch.cat([a * b, x], 1)))


DEEP = [linear(4)]
for _ in range(20):
    DEEP = [{"type": "residual", "layers": DEEP}]


@pytest.mark.parametrize(
    "spec, shape, field, words",
    [
        (None, (4,), "model_config", "object"),
        ({"type": "resnet", "layers": []}, (4,), "model_config.type", "unknown"),
        ({"layers": []}, (4,), "model_config.layers", "at least one"),
        ({"layers": "linear"}, (4,), "model_config.layers", "list"),
        ({"layers": [3]}, (4,), "model_config.layers[0]", "object"),
        ({"layers": [{}]}, (4,), "model_config.layers[0].type", "missing"),
        ({"layers": [linear(4)], "name": "x"}, (4,), "model_config.name", "unknown"),
        ({"layers": [{"type": "linea"}]}, (4,), "model_config.layers[0].type", "did you mean 'linear'"),
        ({"layers": [{"type": "linear"}]}, (4,), "model_config.layers[0].out_features", "missing"),
        ({"layers": [linear(0)]}, (4,), "model_config.layers[0].out_features", "is 0, wants 1 to"),
        ({"layers": [linear(2.5)]}, (4,), "model_config.layers[0].out_features", "is 2.5, wants a whole number"),
        ({"layers": [linear(3), {"type": "relu"}, {"type": "linear", "in_features": 5, "out_features": 2}]}, (4,), "model_config.layers[2].in_features", "layer 2 \\(relu\\) gives \\[3\\]"),
        ({"layers": [{"type": "conv2d", "out_channels": 2, "kernel_size": 3}]}, (8, 8), "model_config.layers[0]", "wants 3 dimensions"),
        ({"layers": [{"type": "conv2d", "out_channels": 2, "kernel_size": 30}]}, (1, 8, 8), "model_config.layers[0]", "conv2d"),
        ({"layers": [{"type": "conv2d", "out_channels": 2, "kernel_size": [3, 3, 3]}]}, (1, 8, 8), "model_config.layers[0].kernel_size", "3 numbers"),
        ({"layers": [{"type": "conv2d", "out_channels": 2, "kernel_size": 3, "padding": "full"}]}, (1, 8, 8), "model_config.layers[0].padding", "same"),
        ({"layers": [{"type": "maxpool2d", "kernel_size": 9}]}, (1, 8, 8), "model_config.layers[0]", "maxpool2d"),
        ({"layers": [{"type": "dropout", "p": 1.5}]}, (4,), "model_config.layers[0].p", "1.5"),
        ({"layers": [{"type": "dropout", "p": 0.1, "rate": 0.2}]}, (4,), "model_config.layers[0].rate", "the same; give one"),
        ({"layers": [{"type": "reshape", "shape": [3, 3]}]}, (4,), "model_config.layers[0]", "reshape"),
        ({"layers": [{"type": "transformer_encoder_layer", "nhead": 3}]}, (5, 4), "model_config.layers[0]", "divisible"),
        ({"layers": [{"type": "softmax", "dim": 7}]}, (4,), "model_config.layers[0]", "softmax"),
        ({"layers": [linear(1 << 31), linear(1 << 31)]}, (4,), "model_config.layers", "GB are free"),
        ({"layers": [{"type": "reshape", "shape": [4, 1]}, {"type": "conv_transpose1d", "out_channels": 1, "kernel_size": 1, "stride": 1 << 31}, {"type": "conv_transpose1d", "out_channels": 1, "kernel_size": 1 << 31}]}, (4,), "model_config.layers[2]", "GB"),
        ({"layers": [{"type": "lstm", "hidden_size": 1, "num_layers": 1 << 30}]}, (5, 4), "model_config.layers[0].num_layers", "wants 1 to 256"),
        ({"layers": DEEP}, (4,), "model_config.layers", "deep"),
        ({"layers": [{"type": "relu"}] * 10_001}, (4,), "model_config.layers", "more than"),
        ({"layers": [{"type": "residual", "layers": [linear(3)]}]}, (4,), "model_config.layers[0]", "shortcut"),
        ({"layers": [{"type": "branches", "branches": [[linear(3)], []], "merge": "add"}]}, (4,), "model_config.layers[0]", "does not fit"),
        ({"layers": [{"type": "branches", "branches": []}]}, (4,), "model_config.layers[0].branches", "there are no branches"),
        ({"type": "graph", "nodes": [{"name": "a", "inputs": ["b"], "layers": []}]}, (4,), "model_config.nodes[0].inputs", "unknown node"),
        ({"type": "graph", "nodes": [{"name": "__class__", "layers": []}]}, (4,), "model_config.nodes[0].name", "not a name"),
        ({"type": "python", "source": "boom", "class": "X"}, (4,), "model_config.type", "GOPHERPOD_ALLOW_CODE"),
    ],
)
def test_refused(spec, shape, field, words):
    with pytest.raises(wire.JobError, match=words) as e:
        models.build(spec, shape, 0)
    assert e.value.field.startswith(field), e.value.field


def test_states_of_other_models_are_refused():
    model, _, _ = models.build({"layers": [linear(3), linear(2)]}, (4,), 0)
    good = models.state(model)
    bad = [
        ({k: v for k, v in good.items() if k != "1.bias"}, "lacks 1.bias"),
        ({**good, "2.weight": torch.zeros(1)}, "has besides 2.weight"),
        ({**good, "1.bias": torch.zeros(3)}, r"shape \[3\]"),
        ({**good, "1.bias": torch.zeros(2, dtype=torch.int64)}, "int64"),
    ]
    for state, words in bad:
        with pytest.raises(wire.JobError, match=words):
            models.load(model, state)
    models.load(model, {k: v.double() for k, v in good.items()})
