"""Prints the layer table as JSON, for the Go test that compares it with the contract's."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gopherpod_worker import contract, layers  # noqa: E402

table = {}
for name, kind in layers.TABLE.items():
    cls = kind.make if kind.make.__module__.startswith("torch") else next((b for b in kind.make.__mro__[1:] if b.__module__.startswith("torch.nn.modules") and b.__name__ == kind.make.__name__), None)
    table[name] = {
        "module": cls.__name__ if cls else "",
        "params": {
            p: {"default": v.default, "required": v.required, "inferred": v.inferred_from != 0, "alias": v.alias, "words": list(v.values)}
            for p, v in kind.row.params.items()
        },
    }
print(
    json.dumps(
        {"layers": table, "optimizers": contract.OPTIMIZERS, "losses": contract.LOSSES, "schedulers": contract.SCHEDULERS, "precisions": contract.PRECISIONS, "operations": list(contract.OPERATIONS)}
    )
)
