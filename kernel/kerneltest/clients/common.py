"""What the checks with real front ends share.

Everything that they and the front ends write goes into one folder: the one that
GOPHERPOD_CLIENTS names, or a temporary one. Screenshots stay in its folder
"screens". GOPHERPOD_KERNEL names another kernel than "gopherpod".
"""
import os
import tempfile
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager

KERNEL = os.environ.get("GOPHERPOD_KERNEL", "gopherpod")
SCRATCH = Path(os.environ.get("GOPHERPOD_CLIENTS") or tempfile.mkdtemp(prefix="gopherpod-clients-")).absolute()
SCREENS = SCRATCH / "screens"
DISPLAY = "github.com/gopherpod/gopherpod/kernel/display"


def environment():
    """The environment of a front end: it finds our kernel and writes into SCRATCH."""
    spec = Path(KernelSpecManager().get_kernel_spec(KERNEL).resource_dir)
    env = dict(os.environ)
    env["JUPYTER_PATH"] = os.pathsep.join(p for p in [str(spec.parent.parent), env.get("JUPYTER_PATH")] if p)
    for variable, folder in {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
        "XDG_STATE_HOME": "state",
    }.items():
        path = SCRATCH / folder
        path.mkdir(parents=True, exist_ok=True)
        env[variable] = str(path)
    SCREENS.mkdir(parents=True, exist_ok=True)
    return env


def notebook(*cells):
    """A notebook for our kernel, a code cell for each source."""
    nb = nbformat.v4.new_notebook()
    nb.metadata.kernelspec = {"name": KERNEL, "display_name": "Go (Gopherpod)", "language": "go"}
    nb.cells = [nbformat.v4.new_code_cell(source) for source in cells]
    return nb


def save(nb, name):
    """Writes a notebook into SCRATCH and returns its path."""
    folder = SCRATCH / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    nbformat.write(nb, path)
    return path
