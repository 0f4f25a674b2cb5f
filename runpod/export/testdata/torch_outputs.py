"""Reads {name: {config, input, rows}} from stdin, loads NAME.pt of a folder as torch.load(weights_only=True) does, and
writes what the PyTorch worker's modules predict with it.

    python torch_outputs.py FOLDER WORKER
"""

import json
import pathlib
import sys

sys.path.insert(0, sys.argv[2])
import torch
from gopherpod_worker import models

out = {}
for name, case in json.load(sys.stdin).items():
    state = torch.load(str(pathlib.Path(sys.argv[1]) / f"{name}.pt"), weights_only=True)
    model, _, _ = models.build(case["config"], tuple(case["input"]), 0)
    if list(state) != list(model.state_dict()):
        sys.exit(f"{name}: {list(state)}, PyTorch has {list(model.state_dict())}")
    model.load_state_dict(state)
    x = torch.tensor(case["rows"]).reshape(-1, *case["input"])
    with torch.no_grad():
        out[name] = model.eval()(x).reshape(len(x), -1).tolist()
json.dump(out, sys.stdout)
