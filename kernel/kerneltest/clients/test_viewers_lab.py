"""The shared notebooks in JupyterLab: as stored and untrusted, then run from top to bottom.

notebooks/viewers.py reports what readers miss there. Screenshots stay in the folder
of common.py: light, dark, and in a narrow window.
"""
import shutil
import sys
import unittest
from pathlib import Path

import nbformat
from browser import CHROMIUM
from common import SCRATCH, SCREENS
from lab import Lab

SHARED = Path(__file__).resolve().parents[3] / "notebooks"
sys.path.insert(0, str(SHARED))
import viewers  # noqa: E402

NAMES = sorted(path.stem for path in SHARED.glob("*.ipynb"))
assert NAMES, "there are no notebooks"


@unittest.skipUnless(CHROMIUM, "no Chromium here")
class SharedNotebooks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = SCRATCH / "shared"
        shutil.copytree(SHARED, cls.folder, ignore=shutil.ignore_patterns("*.py", "__pycache__", ".ipynb_checkpoints"), dirs_exist_ok=True)
        # Tall, so that all cells are drawn.
        cls.lab = Lab(cls.folder, height=9000)
        cls.page = cls.lab.page

    @classmethod
    def tearDownClass(cls):
        cls.lab.close()

    def complaints(self, name, notebook, viewer):
        return viewers.lab_complaints(name + ".ipynb", notebook, self.page.js(viewers.LAB_SHOWS), viewer)

    def test_shared_notebooks(self):
        found = []
        for name in NAMES:
            with self.subTest(name):
                self.lab.open(name)
                self.page.wait("codes().every(i => cell(i).isAttached)", 30)
                self.assertFalse(self.page.js("codes().some(i => cell(i).model.trusted)"), "a stored notebook of others is not trusted")
                self.page.screenshot(SCREENS / f"{name}-untrusted.png")
                found += self.complaints(name, nbformat.read(self.folder / f"{name}.ipynb", as_version=4), "JupyterLab, not trusted")
                self.lab.run_all()
                self.page.screenshot(SCREENS / f"{name}-live.png")
                live = nbformat.from_dict(self.page.js("nb().content.model.toJSON()"))
                found += self.complaints(name, live, "JupyterLab")
                found += viewers.complaints(f"{name}.ipynb, run in JupyterLab", live)
        self.assertFalse(found, "\n" + "\n".join(found))


if __name__ == "__main__":
    unittest.main()
