"""The package's imports go one way: the list in its doc is the order, and no module imports one at or above its own line."""

import ast
import re
from pathlib import Path

import gopherpod_worker

FOLDER = Path(gopherpod_worker.__file__).parent


def imports(path: Path) -> set:
    """The modules of the package that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            found |= {node.module.split(".")[0]} if node.module else {a.name for a in node.names}
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            assert not any(n.startswith("gopherpod_worker") for n in names), f"{path.name}: imports within the package are relative"
    return found


def lines() -> list:
    """The modules of each line of the package's list, the uppermost first."""
    table = gopherpod_worker.__doc__.partition("in this list:")[2].strip().splitlines()
    return [re.split(r",\s*", re.split(r"\s{2,}", line.strip())[0]) for line in table]


def test_the_list_names_every_module():
    named = [name for line in lines() for name in line]
    assert sorted(named) == sorted(f.stem for f in FOLDER.glob("*.py") if f.stem != "__init__") and len(named) > 15


def test_imports_go_downwards():
    level = {name: i for i, line in enumerate(lines()) for name in line}
    graph = {f.stem: imports(f) for f in FOLDER.glob("*.py") if f.stem != "__init__"}
    for name, found in graph.items():
        for other in found:
            assert level[other] >= level[name], f"{name} imports {other}, which stands above it"
    # within a line too nothing goes in a circle
    done: set = set()
    while len(done) < len(graph):
        ready = {name for name, found in graph.items() if name not in done and found <= done}
        assert ready, f"a circle among {sorted(set(graph) - done)}"
        done |= ready
