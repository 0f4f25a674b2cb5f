"""Untrusted text reaches JupyterLab as text: nothing in it runs, wherever it comes from.

The payloads are in comments, in the names of columns and classes, in values, in errors, and in the names and notes of runs.
"""
import unittest

from browser import CHROMIUM
from common import SCRATCH, SCREENS, notebook, save
from lab import Lab

PAYLOADS = [
    "<script>window.pwned = 1</script>",
    "<img src=x onerror=window.pwned=1>",
    "<svg onload=window.pwned=1>",
    "<iframe srcdoc='<script>parent.pwned = 1</script>'></iframe>",
    "[a](javascript:window.pwned=1)",
    "<javascript:window.pwned=1>",
    "![x](x 'onerror=window.pwned=1')",
    r"$\href{javascript:window.pwned=1}{x}$",
    r"\(\href{javascript:window.pwned=1}{x}\)",
    "<details open ontoggle=window.pwned=1>",
    "<a href=javascript:window.pwned=1>click</a>",
    "</td></table><script>window.pwned = 1</script>",
    "&lt;img src=x onerror=window.pwned=1&gt;",
]
EVIL = "<img src=x onerror=window.pwned=1>"


def comment(text):
    return "\n".join("// " + line if line else "//" for line in text.splitlines())


DOCUMENTED = (
    comment(
        "Hostile returns <nil>.\n\n"
        + "\n\n".join(PAYLOADS)
        + "\n\n```\n"
        + EVIL
        + "\n\n  - item\n\n\t"
        + EVIL
        + "\n\n[ref]\n\n[ref]: javascript:window.pwned=1"
    )
    + "\nfunc Hostile() string {\n\t/*\n```\n\n"
    + EVIL
    + "\n*/\n\treturn `"
    + EVIL
    + "`\n}"
)
GO = "[]string{" + ", ".join("`" + p + "`" for p in PAYLOADS) + "}"
CELLS = [
    'import (\n\t"errors"\n\t"os"\n\t"strings"\n)',
    DOCUMENTED,
    "%doc Hostile",
    "Hostile?",
    "Hostile??",
    f"texts := {GO}\ntexts",
    "table := map[string]string{}\nfor _, t := range texts {\n\ttable[t] = t\n}\ntable",
    "type row struct{ A, B string }\nvar rows []row\nfor _, t := range texts {\n\trows = append(rows, row{t, t})\n}\nrows",
    "var group []error\nfor _, t := range texts {\n\tgroup = append(group, errors.New(t))\n}\nerrors.Join(group...)",
    # Columns, classes and notes of a training whose file comes from somebody else.
    'var file strings.Builder\nfile.WriteString("a,\\"' + EVIL + '\\",target\\n")\nfor i := range 30 {\n\tclass := `' + EVIL + "`\n\tif i%2 == 0 {\n\t\tclass = `<script>window.pwned = 1</script>`\n\t}\n"
    '\tfile.WriteString(strings.Repeat("1", i%3+1) + ",2," + class + "\\n")\n}\nos.WriteFile("evil.csv", []byte(file.String()), 0o600)',
    f'%%runpod_train -d evil.csv --target target --epochs 2 --seed 1 --tag "{EVIL}"\nlinear 2',
    "%runpod_eval model -d evil.csv --target target",
    "%runpod_runs",
    "%runpod_history last",
    "%runpod_compare model model",
    "%who",
]
FAIL = [
    f"%%runpod_train -d evil.csv --target \"{EVIL}\" --epochs 1\nlinear 2",
    f"%runpod_attach \"{EVIL}\"",
    f"%doc {EVIL}",
    f"panic(`{EVIL}`)",
]

# Cells that show nothing below them: imports, declarations, and help, which JupyterLab shows elsewhere.
SILENT = {0, 1, 3, 4, 9}
# The elements that run, or would run after a click, in the outputs and the help on the page.
RUNS = """[...document.querySelectorAll('.jp-OutputArea-output, .jp-Inspector-content')].flatMap(o => [...o.querySelectorAll(
    'script, iframe, img[src=x], [onerror], [onload], [ontoggle], a[href^="javascript:" i]')]).map(e => e.outerHTML)"""


@unittest.skipUnless(CHROMIUM, "no Chromium here")
class HostileTest(unittest.TestCase):
    def test_nothing_runs(self):
        save(notebook(*CELLS, *FAIL), "hostile.ipynb")
        lab = Lab(SCRATCH / "notebooks")
        try:
            page = lab.page
            lab.open("hostile")
            page.js("window.pwned = 0; true")
            outputs = []
            for i in range(len(CELLS) + len(FAIL)):
                page.js(f"go({i})")
                page.js("run('notebook:run-cell')")
                page.wait(f"prompt_({i}).match(/\\[\\d+\\]/) && true", 120)
                lab.idle()
                if i not in SILENT:
                    page.wait(f"output({i}).trim() && true", 30)  # Markdown is rendered later
                # Check now, because JupyterLab removes cells from the page that are not in view.
                outputs.append(page.js(f"output({i})"))
                self.assertEqual(page.js(RUNS), [], f"cell {i}: {(CELLS + FAIL)[i]}")
            page.screenshot(SCREENS / "hostile.png")
            for i, text in enumerate(outputs[: len(CELLS)]):
                self.assertNotRegex(text, r"\A(\w*Error|In\[)", f"cell {i}: {CELLS[i]}\n{text}")
            self.assertIn("<nil>", outputs[2])
            self.assertIn(EVIL, outputs[2], "the comment is shown as it was written")
            for i in (5, 6, 7, 8, 11):
                self.assertIn("pwned", outputs[i], f"cell {i} shows the text: {outputs[i]}")
            # The inspector renders Markdown too.
            page.js("run('inspector:open')")
            page.js("edit(3, 0, 3)")
            page.wait("document.querySelector('.jp-Inspector-content')?.innerText.includes('<nil>')", 30)
            self.assertEqual(page.js(RUNS), [], "the inspector")
            self.assertEqual(page.js("window.pwned"), 0, "something ran")
        finally:
            lab.close()
