"""The stored notebooks, as readers see them who do not run them. JupyterLab's part is in kernel/kerneltest/clients/test_viewers_lab.py.

    python -m pytest notebooks/test_viewers.py
"""

import copy
import pathlib

import nbformat
import pytest
import viewers

HERE = pathlib.Path(__file__).parent
NAMES = sorted(path.name for path in HERE.glob("*.ipynb"))
assert NAMES, "there are no notebooks"


@pytest.mark.parametrize("name", NAMES)
def test_readers_miss_nothing(name):
    found = viewers.complaints(name, nbformat.read(HERE / name, as_version=4))
    assert not found, "\n" + "\n".join(found)


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABc3UBGAAAAABJRU5ErkJggg=="
TABLE = '<table border="1">\n<tr><td align="right">epoch</td><td align="right">12</td></tr>\n</table>'


def notebook(*outputs):
    nb = nbformat.v4.new_notebook()
    nb.cells = [nbformat.v4.new_code_cell("%magic", execution_count=1, outputs=[nbformat.v4.new_output("display_data", **o) for o in copy.deepcopy(outputs)])]
    return nb


PICTURE = {"data": {"image/png": PNG, "text/plain": "loss 2 to 1"}, "metadata": {"image/png": {"alt": "loss 2 to 1"}}}
CAPTION = {"data": {"text/html": "<div>loss 2 to 1</div>", "text/plain": ""}}


def test_good_outputs_are_not_complained_of():
    good = notebook({"data": {"text/html": TABLE, "text/plain": "epoch 12"}}, PICTURE, CAPTION)
    assert viewers.complaints("n", good) == []


@pytest.mark.parametrize(
    "outputs, said",
    [
        ([{"data": {"text/html": "<b>x</b>"}}], "text/plain: there is none"),
        ([{"data": {"text/html": "<b>x</b>", "text/plain": ""}}], "text/plain: it is empty"),
        ([{"data": {"text/html": TABLE, "text/plain": "a table"}}], "text/plain: the figure '12'"),
        ([{"data": {"text/html": "<p>x</p>", "text/plain": "x"}}], "nbconvert --sanitize-html: <p> stands there as text"),
        ([{"data": {"text/html": '<div style="color: red">x</div>', "text/plain": "x"}}], "GitHub: the attribute style"),
        ([{"data": {"text/html": "<svg></svg>x", "text/plain": "x"}}], "GitHub: <svg> is dropped"),
        ([{"data": {"image/svg+xml": "<svg/>", "text/plain": "a circle"}}], "VS Code: no image/png"),
        ([PICTURE], "nbconvert: the picture has neither an alt nor a caption"),
        ([{"data": {"image/png": PNG, "text/plain": "*image.Gray, 1x1"}, "metadata": {}}], "VS Code: '*image.Gray, 1x1' is no alternative text"),
        ([{"data": PICTURE["data"], "metadata": {}}, CAPTION], "metadata: the alt"),
    ],
)
def test_each_rule_finds_its_mistake(outputs, said):
    found = viewers.complaints("n", notebook(*outputs))
    assert any(said in complaint for complaint in found), found
    assert all(complaint.startswith("n, cell [1] '%magic'") for complaint in found)
