"""The worker's folder on the path, and a store of the test's own."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    from gopherpod_worker import data, operations

    monkeypatch.setenv("GOPHERPOD_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("GOPHERPOD_ALLOW_CODE", raising=False)
    monkeypatch.delenv("GOPHERPOD_ALLOW_URLS", raising=False)
    monkeypatch.setattr(operations, "STORE", data.Store())
