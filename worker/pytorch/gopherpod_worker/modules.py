"""Modules that PyTorch does not have, or not in this form; their parameters have PyTorch's names and order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from .wire import invalid


class Bilinear(nn.Bilinear):
    """x times itself."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        if x.device.type == "meta":  # PyTorch 1 does not support it there
            return x.new_empty((*x.shape[:-1], self.out_features))
        return super().forward(x, x)


class Embedding(nn.Embedding):
    """Takes numbers of any type, because a matrix from a notebook holds floats.

    path is its place in the request. The data of a first layer is checked before training (models.inputs) and comes as
    integers. The output of other layers is checked here, because on a GPU a wrong index kills the process."""

    path = ""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dtype in (torch.int64, torch.int32):
            return super().forward(x)
        if x.device.type != "meta":
            self.check(x)
        return super().forward(x.long())

    def check(self, x: torch.Tensor) -> None:
        whole = x.trunc()  # as long() does
        wrong = ~((whole >= 0) & (whole < self.num_embeddings))
        if bool(wrong.any()):
            i = [int(v) for v in wrong.nonzero()[0]]
            value = f"{float(x[tuple(i)]):g}"
            raise invalid(self.path, f"sample {i[0]} of a batch gives the embedding {value}, which takes whole numbers 0 to {self.num_embeddings - 1}")


def _output(y: torch.Tensor, which: str) -> torch.Tensor:
    """Returns the output at the last step for "last", and all of them for "sequence"."""
    return y[:, -1] if which == "last" else y


class RNN(nn.RNN):
    def __init__(self, *, output: str = "last", **kw: Any):
        super().__init__(batch_first=True, **kw)  # type: ignore[no-untyped-call]
        self.output = output

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _output(super().forward(x)[0], self.output)  # type: ignore[has-type]


class LSTM(nn.LSTM):
    def __init__(self, *, output: str = "last", **kw: Any):
        super().__init__(batch_first=True, **kw)  # type: ignore[no-untyped-call]
        self.output = output

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _output(super().forward(x)[0], self.output)  # type: ignore[has-type]


class GRU(nn.GRU):
    def __init__(self, *, output: str = "last", **kw: Any):
        super().__init__(batch_first=True, **kw)  # type: ignore[no-untyped-call]
        self.output = output

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _output(super().forward(x)[0], self.output)  # type: ignore[has-type]


class TransformerEncoderLayer(nn.TransformerEncoderLayer):
    def __init__(self, **kw: Any):
        super().__init__(batch_first=True, **kw)


class Reshape(nn.Module):
    def __init__(self, shape: Iterable[int]):
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(x.shape[0], *self.shape)


class Permute(nn.Module):
    def __init__(self, dims: Iterable[int]):
        super().__init__()
        self.dims = tuple(dims)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, *self.dims)


class Mean(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.dim = dim

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(self.dim)


# Layers that hold layers -----------------------------------------------------------


class Residual(nn.Module):
    def __init__(self, layers: nn.Module, shortcut: nn.Module):
        super().__init__()
        self.layers, self.shortcut = layers, shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x) + self.shortcut(x)


class Branches(nn.Module):
    def __init__(self, branches: Iterable[nn.Module], merge: str, dim: int):
        super().__init__()
        self.branches, self.merge, self.dim = nn.ModuleList(branches), merge, dim

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return merge([b(x) for b in self.branches], self.merge, self.dim)


class Graph(nn.Module):
    """Named nodes, each a sequence of layers over the merged outputs of earlier ones."""

    def __init__(self, nodes: Mapping[str, nn.Module], plan: list[tuple[str, tuple[str, ...], str, int]], output: str):
        super().__init__()
        self.nodes, self.plan, self.output = nn.ModuleDict(nodes), plan, output

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        values = {"input": x}
        for name, inputs, how, dim in self.plan:
            values[name] = self.nodes[name](merge([values[i] for i in inputs], how, dim))
        return values[self.output]


def merge(values: list[Any], how: str, dim: int) -> torch.Tensor:
    if len(values) == 1:
        return values[0]
    if how == "concat":
        return torch.cat(values, dim)
    out = values[0]
    for v in values[1:]:
        out = out + v if how == "add" else out * v
    return out
