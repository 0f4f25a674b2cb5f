"""Notebooks that run unattended: nbclient, nbconvert, papermill."""
import json
import subprocess
import sys
import unittest
from pathlib import Path

import nbclient
import nbformat
from common import DISPLAY, KERNEL, SCRATCH, environment, notebook, save

TIMEOUT = 120


def execute(*cells, **options):
    nb = notebook(*cells)
    nbclient.NotebookClient(nb, timeout=TIMEOUT, resources={"metadata": {"path": str(SCRATCH)}}, **options).execute(env=environment())
    return nb


def text(cell):
    return "".join(o.get("text", "") for o in cell.outputs)


class NbclientTest(unittest.TestCase):
    def test_outputs(self):
        nb = execute(
            f'import (\n"fmt"\n"os"\n"{DISPLAY}"\n)',
            'fmt.Println("out")\nfmt.Fprintln(os.Stderr, "err")',
            "x := 6 * 7\nx",
            'shown := display.HTML("<b>before</b>")',
            'shown.Update(display.MIMEMap{"text/html": "<b>after</b>"})',
            'fmt.Println("gone")\ndisplay.Clear(false)\nfmt.Println("left")',
        )
        streams = {o.name: o.text for o in nb.cells[1].outputs}
        self.assertEqual(streams, {"stdout": "out\n", "stderr": "err\n"})
        self.assertEqual(nb.cells[2].outputs[0].data["text/plain"], "42")
        self.assertEqual(nb.cells[2].outputs[0].execution_count, nb.cells[2].execution_count)
        # The update arrived in the cell that had shown the first version.
        self.assertEqual(nb.cells[3].outputs[0].data["text/html"], "<b>after</b>")
        self.assertEqual(text(nb.cells[5]), "left\n")
        nbformat.validate(nb)

    def test_many_lines(self):
        nb = execute('import "fmt"\nfor i := range 100000 {\n\tfmt.Println("line", i)\n}')
        self.assertEqual(text(nb.cells[0]), "".join(f"line {i}\n" for i in range(100000)))

    def test_error_stops(self):
        with self.assertRaises(nbclient.exceptions.CellExecutionError) as caught:
            execute('panic("boom")')
        self.assertIn("boom", str(caught.exception))

    def test_error_allowed(self):
        nb = execute("x := 1", 'panic("boom")', "undefinedName", "x", allow_errors=True)
        self.assertEqual([len(c.outputs) for c in nb.cells], [0, 1, 1, 1])
        self.assertEqual(nb.cells[1].outputs[0].output_type, "error")
        self.assertIn("undefinedName", nb.cells[2].outputs[0].evalue)
        self.assertEqual(nb.cells[3].outputs[0].data["text/plain"], "1")

    def test_timeout_interrupts(self):
        nb = notebook("x := 1", "for {\n\tx++\n}", "x > 1")
        client = nbclient.NotebookClient(nb, timeout=TIMEOUT, interrupt_on_timeout=True, allow_errors=True)
        with client.setup_kernel(env=environment()):
            client.execute_cell(nb.cells[0], 0)
            client.timeout = 3
            client.execute_cell(nb.cells[1], 1)
            client.timeout = TIMEOUT
            client.execute_cell(nb.cells[2], 2)
        self.assertEqual(nb.cells[1].outputs[0].ename, "Interrupted")
        self.assertEqual(nb.cells[2].outputs[0].data["text/plain"], "true")

    def test_nobody_to_ask(self):
        nb = execute('import "fmt"\nvar s string\n_, err := fmt.Scan(&s)\nerr != nil', allow_errors=True)
        out = nb.cells[0].outputs[0]
        self.assertTrue(out.output_type == "error" or out.data["text/plain"] == "true", out)


class NbconvertTest(unittest.TestCase):
    def test_execute_to_html(self):
        path = save(notebook("6 * 7", f'import "{DISPLAY}"\ndisplay.HTML("<i>slanted</i>")'), "convert.ipynb")
        subprocess.run(
            [sys.executable, "-m", "nbconvert", "--to", "html", "--execute", str(path)],
            env=environment(), check=True, capture_output=True, timeout=TIMEOUT,
        )  # fmt: skip
        html = path.with_suffix(".html").read_text()
        self.assertIn("<pre>42</pre>", html)
        self.assertIn("<i>slanted</i>", html)

    def test_to_script(self):
        path = save(notebook("x := 6 * 7"), "script.ipynb")
        nb = nbformat.read(path, 4)
        nb.metadata.language_info = {"name": "go", "file_extension": ".go", "nbconvert_exporter": "script"}
        nbformat.write(nb, path)
        subprocess.run(
            [sys.executable, "-m", "nbconvert", "--to", "script", str(path)],
            env=environment(), check=True, capture_output=True, timeout=TIMEOUT,
        )  # fmt: skip
        self.assertIn("x := 6 * 7", path.with_suffix(".go").read_text())


class KernelspecTest(unittest.TestCase):
    def test_listed(self):
        out = subprocess.run(
            [sys.executable, "-m", "jupyter_client.kernelspecapp", "list", "--json"],
            env=environment(), check=True, capture_output=True, timeout=TIMEOUT,
        )  # fmt: skip
        spec = json.loads(out.stdout)["kernelspecs"][KERNEL]["spec"]
        self.assertEqual((spec["language"], spec["interrupt_mode"]), ("go", "message"))


class PapermillTest(unittest.TestCase):
    def test_parameters(self):
        nb = notebook('epochs := 1\nname := "none"\nlayers := []int{1}', 'import "fmt"\nfmt.Println(epochs, name, layers[1]+1, rate)')
        nb.cells[0].metadata.tags = ["parameters"]
        nb.metadata.language_info = {"name": "go"}
        path = save(nb, "mill.ipynb")
        out = path.with_name("milled.ipynb")
        env = environment()
        # As the installed entry point does it: the module is imported before papermill runs.
        translator = Path(__file__).resolve().parents[2] / "spec" / "papermill"
        env["PYTHONPATH"] = str(translator)
        subprocess.run(
            [sys.executable, "-B", "-c", "import gopherpod_papermill\nfrom papermill.cli import papermill\npapermill()", str(path), str(out),
             "-p", "epochs", "20", "-p", "name", 'a "run"', "-y", "{layers: [64, 10], rate: 0.5}"],
            env=env, check=True, capture_output=True, timeout=TIMEOUT,
        )  # fmt: skip
        done = nbformat.read(out, 4)
        self.assertEqual(text(done.cells[2]), '20 a "run" 11 0.5\n')


if __name__ == "__main__":
    unittest.main()
