"""Executes the shared notebooks as a user would, with nbclient, and checks what they show.

Run by ./test.sh with the kernel installed: python -m pytest notebooks

Each notebook is executed once and compared with the outputs that are stored in it. Two tags of cells matter:

    raises-exception   the cell shows an error on purpose
    varies             its outputs depend on the speed of the machine and are not compared
"""

import base64
import html
import pathlib
import re
import time

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

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
    client = NotebookClient(notebook, timeout=120, coalesce_streams=True, resources={"metadata": {"path": str(HERE)}})
    started = time.monotonic()
    client.execute()  # raises where a cell fails that is not tagged raises-exception
    return notebook, time.monotonic() - started


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


def rich(notebook):
    """All outputs that have representations, with the cell that made them."""
    return [(cell, out) for cell in code(notebook) for out in cell.outputs if "data" in out]


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


def test_pictures_have_alt_text_and_a_sentence(run):
    for cell, out in rich(run[1]):
        if "image/png" in out.data:
            assert base64.b64decode(out.data["image/png"]).startswith(b"\x89PNG")
            assert len(out.data["text/plain"]) > 10
            if cell.source.startswith("%"):
                assert out.metadata["image/png"]["alt"]


def test_every_viewer_shows_something(run):
    """GitHub drops scripts and styles, VS Code may show text and PNG alone."""
    for _, out in rich(run[1]):
        assert out.data.get("text/plain"), out.data.keys()
        assert not re.search(r"<(script|style|svg)\b", out.data.get("text/html", ""), re.I)


@pytest.mark.parametrize("sanitize", [False, True])
def test_html_keeps_the_tables(run, sanitize):
    exporter = HTMLExporter(sanitize_html=sanitize, embed_images=True)
    page, _ = exporter.from_notebook_node(run[1])
    page = html.unescape(page)
    for cell, out in rich(run[1]):
        for number in re.findall(r"<td[^>]*>([^<]*\d[^<]*)</td>", out.data.get("text/html", "")):
            assert html.unescape(number) in page, cell.source


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
