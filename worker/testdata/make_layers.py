#!/usr/bin/env python3
"""Builds a model of every layer type with PyTorch and writes sizes and states.

    python3 make_layers.py > layers.json

Each case has a model_config without the sizes that are inferred, the shape of a
sample, and what PyTorch makes of it: the shape of an output, the state_dict's
names and shapes, and how many numbers are trained. Go's inference of shapes and
the PyTorch worker's are held to the same file.
"""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pytorch"))
from gopherpod_worker import layers as table
from gopherpod_worker import models


def L(type, **p):
    return {"type": type, **p}


CASES = [
    ([8], [L("linear", out_features=3)]),
    ([5, 8], [L("linear", out_features=3, bias=False)]),
    ([8], [L("bilinear", out_features=3)]),
    ([4], [L("embedding", num_embeddings=10, embedding_dim=6, padding_idx=-1)]),
    ([2, 9], [L("conv1d", out_channels=4, kernel_size=3, stride=2, padding=1)]),
    ([2, 9, 8], [L("conv2d", out_channels=4, kernel_size=[3, 2], stride=[2, 1], padding=[1, 0], dilation=[1, 2])]),
    ([4, 9, 8], [L("conv2d", out_channels=4, kernel_size=4, padding="same", groups=2, bias=False)]),
    ([2, 6, 7, 8], [L("conv3d", out_channels=3, kernel_size=3, padding="valid")]),
    ([4, 9], [L("conv_transpose1d", out_channels=6, kernel_size=3, stride=2, padding=1, output_padding=1, groups=2)]),
    ([4, 5, 6], [L("conv_transpose2d", out_channels=6, kernel_size=3, stride=[2, 3], dilation=2)]),
    ([4, 3, 4, 5], [L("conv_transpose3d", out_channels=2, kernel_size=2, stride=2, bias=False)]),
    ([2, 9], [L("maxpool1d", kernel_size=2)]),
    ([2, 9, 8], [L("maxpool2d", kernel_size=3, stride=2, padding=1, ceil_mode=True)]),
    ([2, 7, 9, 8], [L("maxpool3d", kernel_size=2, dilation=2, stride=1)]),
    ([2, 9], [L("avgpool1d", kernel_size=4, stride=3, ceil_mode=True)]),
    ([2, 2], [L("maxpool1d", kernel_size=3, stride=2, ceil_mode=True)]),
    ([2, 2, 3], [L("avgpool2d", kernel_size=4, stride=3, ceil_mode=True)]),
    ([2, 9, 8], [L("avgpool2d", kernel_size=[2, 3], count_include_pad=False, padding=[0, 1])]),
    ([2, 4, 6, 8], [L("avgpool3d", kernel_size=2)]),
    ([2, 9], [L("adaptive_avgpool1d", output_size=4)]),
    ([2, 9, 8], [L("adaptive_avgpool2d", output_size=[3, 2])]),
    ([2, 4, 6, 8], [L("adaptive_avgpool3d", output_size=2)]),
    ([2, 9], [L("adaptive_maxpool1d", output_size=4)]),
    ([2, 9, 8], [L("adaptive_maxpool2d", output_size=1)]),
    ([2, 4, 6, 8], [L("adaptive_maxpool3d", output_size=[1, 2, 3])]),
    ([8], [L("batchnorm1d")]),
    ([3, 8], [L("batchnorm1d", affine=False)]),
    ([3, 8, 8], [L("batchnorm2d", track_running_stats=False)]),
    ([3, 4, 8, 8], [L("batchnorm3d", momentum=0.2)]),
    ([5, 8], [L("layernorm")]),
    ([5, 8], [L("layernorm", normalized_shape=[5, 8], elementwise_affine=False)]),
    ([6, 4, 4], [L("groupnorm", num_groups=3)]),
    ([3, 8], [L("instancenorm1d")]),
    ([3, 8, 8], [L("instancenorm2d", affine=True)]),
    ([3, 4, 8, 8], [L("instancenorm3d", track_running_stats=True)]),
    ([3, 8], [L("dropout"), L("dropout1d", rate=0.2), L("alpha_dropout", p=0.1), L("feature_alpha_dropout")]),
    ([3, 8, 8], [L("dropout2d")]),
    ([3, 4, 8, 8], [L("dropout3d")]),
    ([6], [L("relu"), L("relu6"), L("leaky_relu"), L("elu"), L("selu"), L("celu"), L("gelu"), L("silu"), L("mish"), L("sigmoid"), L("logsigmoid")]),
    ([6], [L("hardsigmoid"), L("tanh"), L("hardtanh"), L("hardswish"), L("softplus"), L("softsign"), L("softshrink"), L("hardshrink"), L("tanhshrink")]),
    ([6], [L("threshold", threshold=0.1, value=0.2), L("softmax"), L("softmin"), L("log_softmax", dim=1), L("identity")]),
    ([6, 4], [L("prelu"), L("prelu", num_parameters=6), L("glu", dim=1)]),
    ([6, 4], [L("rnn", hidden_size=5, nonlinearity="relu")]),
    ([6, 4], [L("lstm", hidden_size=5, num_layers=2, bidirectional=True, output="sequence")]),
    ([6, 4], [L("gru", hidden_size=5, bias=False, bidirectional=True)]),
    ([6, 4], [L("transformer_encoder_layer", nhead=2, dim_feedforward=7)]),
    ([2, 3, 4, 5], [L("flatten", start_dim=2, end_dim=3), L("flatten")]),
    ([24], [L("reshape", shape=[2, -1, 4]), L("permute", dims=[3, 1, 2]), L("mean", dim=2), L("mean", dim=-1)]),
    ([8, 3, 2], [L("pixel_shuffle", upscale_factor=2)]),
    ([8], [L("residual", layers=[L("linear", out_features=8), L("relu")])]),
    ([8], [L("linear", out_features=6), L("residual", layers=[L("linear", out_features=5), L("batchnorm1d")], shortcut=[L("linear", out_features=5)])]),
    ([3, 8, 8], [L("branches", branches=[[L("conv2d", out_channels=4, kernel_size=1)], [L("conv2d", out_channels=2, kernel_size=3, padding=1)], []])]),
    ([8], [L("branches", merge="add", branches=[[L("linear", out_features=4)], [L("linear", out_features=4), L("tanh")]]), L("linear", out_features=2)]),
    ([1, 28, 28], [L("conv2d", out_channels=16, kernel_size=3, padding=1), L("relu"), L("maxpool2d", kernel_size=2), L("flatten"), L("linear", out_features=10)]),
]  # fmt: skip


def main():
    used, out = set(), []
    for shape, config in CASES:
        used |= {layer["type"] for layer in config}
        whole = config[0]["type"] == "embedding"
        model, _, result = models.build({"type": "sequential", "layers": config}, tuple(shape), 0, whole)
        state = [[n, list(t.shape), n in dict(model.named_parameters())] for n, t in model.state_dict().items()]
        case = {"layers": config, "input": shape, "output": list(result), "state": state, "parameters": models.parameters(model)}
        out.append(json.dumps(case, separators=(",", ":")))
    missing = set(table.TABLE) - used
    if missing:
        sys.exit(f"no case for {', '.join(sorted(missing))}")
    print("[\n" + ",\n".join(out) + "\n]")


main()
