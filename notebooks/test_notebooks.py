"""Executes the shared notebooks as a user would, with nbclient, and checks what they show.

Run by ./test.sh with the kernel installed: python -m pytest notebooks

    python notebooks/test_notebooks.py [NAME.ipynb ...]    executes notebooks (all of them) and stores their outputs

Each notebook is executed once and compared with the outputs that are stored in it; test_viewers.py looks at those. Two tags of
cells matter:

    raises-exception   the cell shows an error on purpose
    varies             its outputs depend on the speed of the machine and are not compared
"""

import pathlib
import re
import sys
import time
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

HERE = pathlib.Path(__file__).parent
NAMES = sorted(path.name for path in HERE.glob("*.ipynb"))
assert NAMES, "there are no notebooks"


def read(name):
    return nbformat.read(HERE / name, as_version=4)


def execute(name):
    """Returns the executed notebook and the seconds that it took, kernel start included."""
    notebook = read(name)
    for cell in code(notebook):
        cell.outputs, cell.execution_count = [], None
    client = NotebookClient(notebook, timeout=120, record_timing=False, resources={"metadata": {"path": str(HERE)}})
    started = time.monotonic()
    client.execute()  # raises where a cell fails that is not tagged raises-exception
    seconds = time.monotonic() - started
    for cell in code(notebook):
        cell.outputs = joined(cell.outputs)
    return notebook, seconds


def joined(outs):
    """The outputs with neighbouring pieces of one stream in one, as front ends store them."""
    result: list[Any] = []
    for out in outs:
        before: Any = result[-1] if result else {}
        if out.output_type == "stream" and before.get("name") == out.name:
            before.text += out.text
        else:
            result.append(out)
    return result


def store(name):
    """Executes a notebook and stores it with its outputs."""
    notebook, seconds = execute(name)
    notebook.metadata = {key: notebook.metadata[key] for key in ("kernelspec", "language_info")}
    for cell in code(notebook):
        cell.metadata = {key: value for key, value in cell.metadata.items() if key == "tags"}
    nbformat.write(notebook, HERE / name)
    print(f"{name}: {seconds:.1f} s")


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(cell, tag):
    return tag in cell.metadata.get("tags", [])


def outputs(notebook, start):
    """The outputs of the first cell whose source starts with the given text."""
    for cell in code(notebook):
        if cell.source.startswith(start):
            return cell.outputs
    raise AssertionError(f"no cell starts with {start!r}")


def text(outs):
    """What a reader sees who gets text/plain alone."""
    parts = []
    for out in outs:
        if out.output_type == "stream":
            parts.append(out.text)
        elif out.output_type == "error":
            parts.append(f"\n{out.ename}: {out.evalue}\n")
        else:
            parts.append("\n" + out.data.get("text/plain", "") + "\n")
    return "".join(parts)


def repeatable(cell):
    """The text of a cell without the lines that tell times and a run's identifier."""
    shown = re.sub(r"^\w+: (trained in|the best of) .*$", "TIMES AND RUN", text(cell.outputs), flags=re.M)
    # Trials that run at once may end in any order; the table below them is sorted.
    return re.sub(r"^trial +\d+  lr .*\n", "", shown, flags=re.M).strip()


@pytest.fixture(scope="module", params=NAMES)
def run(request):
    """The name of a notebook, as it is when executed now, and the seconds."""
    return request.param, *execute(request.param)


def test_is_quick(run):
    assert run[2] < 60


def test_errors_are_on_purpose(run):
    for cell in code(run[1]):
        failed = any(out.output_type == "error" for out in cell.outputs)
        assert failed == tagged(cell, "raises-exception"), cell.source


def test_repeats_the_stored_figures(run):
    name, notebook, _ = run
    for stored, cell in zip(code(read(name)), code(notebook), strict=True):
        if not tagged(cell, "varies"):
            assert repeatable(cell) == repeatable(stored), cell.source


@pytest.mark.parametrize("name", NAMES)
def test_stored_without_traces_of_a_machine(name):
    stored = (HERE / name).read_text()
    notebook = read(name)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "gopherpod"
    assert not re.search(r"/(home|root|tmp|opt|Users|work)/\w", stored)
    for cell in code(notebook):
        assert cell.execution_count, "stored without having been executed"
        assert set(cell.metadata) <= {"tags"}


def test_quickstart_accuracy():
    shown = text(outputs(read("quickstart.ipynb"), "%runpod_eval"))
    accuracy = re.search(r"accuracy\D+([0-9.]+) ?%", shown, re.I)
    assert accuracy, shown
    assert float(accuracy.group(1)) >= 96
    assert "precision" in shown and "recall" in shown


def test_quickstart_names_its_endpoint():
    assert "embedded endpoint" in text(outputs(read("quickstart.ipynb"), "%%runpod_train"))


if __name__ == "__main__":
    for notebook_name in sys.argv[1:] or NAMES:
        store(pathlib.Path(notebook_name).name)
