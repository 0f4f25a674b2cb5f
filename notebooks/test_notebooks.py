"""Executes the shared notebooks as a user would, with nbclient, and checks what they show.

Run by ./test.sh with the kernel installed: python -m pytest notebooks
"""

import base64
import pathlib
import re
import time

import nbformat
import pytest
from nbclient import NotebookClient

HERE = pathlib.Path(__file__).parent


def execute(name):
    """Returns the executed notebook and the seconds that it took, kernel start included."""
    notebook = nbformat.read(HERE / name, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(HERE)}})
    started = time.monotonic()
    client.execute()
    return notebook, time.monotonic() - started


def outputs(notebook, start):
    """The outputs of the first cell whose source starts with the given text."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.startswith(start):
            return cell.outputs
    raise AssertionError(f"no cell starts with {start!r}")


def text(outs):
    """What a reader sees who gets text/plain alone."""
    parts = []
    for out in outs:
        if out.output_type == "stream":
            parts.append(out.text)  # a stream arrives in pieces that end anywhere
        elif "data" in out:
            parts.append("\n" + out.data.get("text/plain", "") + "\n")
    return "".join(parts)


def repeatable(notebook):
    """All text of the notebook, without what a clock or a run's identifier gives."""
    whole = "\n".join(text(cell.outputs) for cell in notebook.cells if cell.cell_type == "code")
    return re.sub(r"^model: trained in .*$", "TIMES AND RUN", whole, flags=re.M)


def pngs(outs):
    return [out for out in outs if "data" in out and "image/png" in out.data]


@pytest.fixture(scope="module")
def quickstart():
    return execute("quickstart.ipynb")


def test_quickstart_is_quick(quickstart):
    assert quickstart[1] < 60


def test_quickstart_trains(quickstart):
    notebook, _ = quickstart
    shown = outputs(notebook, "%%runpod_train")
    assert "embedded endpoint" in text(shown)
    assert pngs(shown), "no picture of the curves"


def test_quickstart_accuracy(quickstart):
    shown = text(outputs(quickstart[0], "%runpod_eval"))
    accuracy = re.search(r"accuracy\D+([0-9.]+) ?%", shown, re.I)
    assert accuracy, shown
    assert float(accuracy.group(1)) >= 96
    assert "precision" in shown and "recall" in shown


def test_pictures_have_alt_text_and_a_sentence(quickstart):
    for cell in quickstart[0].cells:
        for out in pngs(cell.get("outputs", [])):
            assert base64.b64decode(out.data["image/png"]).startswith(b"\x89PNG")
            assert len(out.data["text/plain"]) > 10
            if cell.source.startswith("%"):
                assert out.metadata["image/png"]["alt"]


def test_live_display_left_one_static_result(quickstart):
    for cell in quickstart[0].cells:
        for out in cell.get("outputs", []):
            assert out.output_type != "error"
            html = out.get("data", {}).get("text/html", "")
            assert "<script" not in html and "<style" not in html


def test_quickstart_repeats(quickstart):
    again, _ = execute("quickstart.ipynb")
    assert repeatable(again) == repeatable(quickstart[0])
