"""JupyterLab in a headless Chromium, as a person uses it."""
import json
import os
import unittest

from browser import CHROMIUM
from common import DISPLAY, SCRATCH, SCREENS, notebook, save
from lab import Lab

RICH = [
    f'import (\n\t"fmt"\n\t"math"\n\t"time"\n\n\t"gonum.org/v1/gonum/mat"\n\n\t"{DISPLAY}"\n)',
    'fmt.Println("hello from Go")\nx := 6 * 7\nx',
    'type Point struct {\n\tX, Y int\n\tName string\n}\n[]Point{{1, 2, "a"}, {3, 4, "b"}}',
    "mat.NewDense(2, 3, []float64{1, 2, 3, 4, 5, math.Pi})",
    'display.HTML("<table><tr><th>epoch</th><th>loss</th></tr><tr><td>1</td><td>2.31</td></tr></table>")',
    'display.Markdown("A *formula*: $e^{i\\\\pi} + 1 = 0$")',
    'for i := range 3 {\n\tfmt.Println("working", i)\n\ttime.Sleep(100 * time.Millisecond)\n}',
]
BUSY = ["kept := 7", "for {\n}", "kept + 1"]
LIVE = [
    f'import (\n\t"fmt"\n\t"time"\n\n\t"{DISPLAY}"\n)',
    'h := display.Text("step 0")\nfor i := 1; i <= 30; i++ {\n\ttime.Sleep(100 * time.Millisecond)\n'
    '\th.Update(display.MIMEMap{"text/plain": fmt.Sprintf("step %d", i)})\n\tif i == 10 {\n\t\tfmt.Println("a third")\n\t}\n}',
]
# Each way to show something, and what the node of its cell must contain: a selector, and a pattern for the text.
SHOWN = {
    "type Point struct {\n\tX, Y int\n\tName string\n}\n[]Point{{1, 2, \"a\"}, {3, 4, \"b\"}}": ("table td", r"\[\]Point, 2 elements"),
    'map[string]int{"b": 2, "a": 1}': ("table td", r"2 entries[\s\S]*a\s+1\s+b\s+2"),
    "mat.NewDense(100, 50, nil)": ("table td", "mat.Dense 100×50[\\s\\S]*⋱"),
    'errors.Join(errors.New("first"), errors.New("second"))': (".jp-RenderedText pre", r"first\nsecond"),
    "plain := image.NewGray(image.Rect(0, 0, 30, 20))\nplain": ("img[src^='data:image/png']", None),
    'display.Image(plain, display.Caption("a black image"))': ("img[src^='data:image/png']", "a black image"),
    "var b bytes.Buffer\njpeg.Encode(&b, plain, nil)\ndisplay.JPEG(b.Bytes())": ("img[src^='data:image/jpeg']", None),
    "p := plot.New()\np": ("img[src^='data:image/png'][width='576']", None),
    'display.SVG(`<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20"/></svg>`)': (".jp-RenderedSVG img, .jp-RenderedSVG svg", None),
    'display.HTML("<b>bold</b>")': (".jp-RenderedHTML b", "bold"),
    'display.Markdown("*slanted*, $x^2$")': (".jp-RenderedMarkdown em", "slanted"),
    "display.LaTeX(`$\\sqrt{2}$`)": ("mjx-container", None),
    'display.JSON(map[string]any{"key": []int{1, 2}})': (".jp-RenderedJSON", "key"),
    'h := display.Image(plain, display.Caption("before"))\nh.Display(plain, display.Caption("after"))': ("img", "^after$"),
    'fmt.Println("gone")\ndisplay.Clear(true)\nfmt.Println("left")': (".jp-RenderedText", "^left$"),
    'var m map[string]int\nm["x"] = 1': ('[data-mime-type="application/vnd.jupyter.stderr"]', r"nil map[\s\S]*In\[\d+\]:2"),
}
SHOW = ['import (\n\t"bytes"\n\t"errors"\n\t"fmt"\n\t"image"\n\t"image/jpeg"\n\n\t"gonum.org/v1/gonum/mat"\n\t"gonum.org/v1/plot"\n\n\t"'
        f'{DISPLAY}"\n)', *SHOWN]  # fmt: skip
SECRET = [f'import (\n\t"fmt"\n\n\t"{DISPLAY}"\n)\nsecret, err := display.Password("key? ")\nfmt.Println(len(secret), err)']
TYPING = ['import "fmt"', "fmt.Prin", "fmt.Println", 'var who string\nfmt.Print("who? ")\nfmt.Scan(&who)\nfmt.Println("hello,", who)']

@unittest.skipUnless(CHROMIUM, "no Chromium here")
class LabTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for name, cells in {"rich": RICH, "busy": BUSY, "live": LIVE, "typing": TYPING, "show": SHOW, "secret": SECRET}.items():
            save(notebook(*cells), name + ".ipynb")
        cls.lab = Lab(SCRATCH / "notebooks")
        cls.page = cls.lab.page

    @classmethod
    def tearDownClass(cls):
        cls.lab.close()

    def open(self, name):
        self.lab.open(name)

    def shot(self, name):
        self.page.screenshot(SCREENS / (name + ".png"))

    def idle(self):
        self.lab.idle()

    def test_run_all(self):
        self.open("rich")
        self.page.js("run('notebook:run-all-cells')")
        self.page.wait(f"prompt_({len(RICH) - 1}).match(/\\[\\d+\\]/) && true", 60)
        self.idle()
        self.page.js("nb().content.scrollToItem?.(0)")
        self.shot("run-all")
        self.assertIn("hello from Go", self.page.js("output(1)"))
        self.assertIn("42", self.page.js("output(1)"))
        self.assertIn("3.14", self.page.js("output(3)"))
        self.assertEqual(self.page.js("cell(4).node.querySelectorAll('.jp-RenderedHTML th').length"), 2)
        self.assertIn("working 2", self.page.js("output(6)"))
        errors = self.page.js("codes().flatMap(i => cell(i).model.outputs.toJSON()).filter(o => o.output_type === 'error').length")
        self.assertEqual(errors, 0)

    def test_interrupt_and_restart(self):
        self.open("busy")
        self.page.js("run('notebook:run-all-cells')")
        self.page.wait("prompt_(1).includes('*') && kernel().status === 'busy'", 40)
        self.page.wait("prompt_(0).match(/\\[\\d+\\]/) && true")
        self.shot("busy")
        self.page.js("new Promise(r => setTimeout(r, 1000))")
        self.page.js("run('notebook:interrupt-kernel')")
        self.page.wait("/interrupt/i.test(output(1))", 30)
        self.idle()
        self.shot("interrupted")
        # Run all stopped there; the variables are kept.
        self.assertEqual(self.page.js("output(2)").strip(), "")
        self.assertEqual(self.page.js("prompt_(2)").strip(), "[ ]:")
        self.page.js("go(2); run('notebook:run-cell')")
        self.page.wait("output(2).includes('8')")
        self.idle()
        self.page.js("run('notebook:restart-kernel')")
        self.page.wait("document.querySelector('.jp-Dialog .jp-mod-accept') && true")
        self.shot("restart-dialog")
        self.page.js("document.querySelector('.jp-Dialog .jp-mod-accept').click()")
        self.page.wait("kernel().status === 'idle'", 60)
        self.page.js("go(2); run('notebook:run-cell')")
        self.page.wait("output(2).includes('undefined')", 60)
        self.shot("restarted")

    def test_live_updates(self):
        self.open("live")
        self.page.js("run('notebook:run-all-cells')")
        # The cell runs for 3 s; what it shows appears before it ends.
        self.page.wait("prompt_(1).includes('*') && /step (1?[1-9])\\b/.test(output(1))", 40)
        self.page.wait("prompt_(1).includes('*') && output(1).includes('a third')", 30)
        self.shot("live")
        self.page.wait("output(1).includes('step 30')", 30)
        self.assertNotIn("step 29", self.page.js("output(1)"))
        self.idle()

    def test_typing(self):
        self.open("typing")
        self.page.js("go(0); run('notebook:run-cell')")
        self.idle()
        self.page.js("edit(1, 0, 8)")
        self.page.press("Tab")
        self.page.wait("document.querySelector('.jp-Completer:not(.lm-mod-hidden) .jp-Completer-item') && true", 30)
        items = self.page.js("[...document.querySelectorAll('.jp-Completer .jp-Completer-match')].map(n => n.innerText)")
        self.shot("completion")
        self.assertTrue({"Print", "Printf", "Println"} <= set(items), items)
        self.page.press("Enter")
        self.page.wait("cell(1).model.sharedModel.getSource().startsWith('fmt.Print')")
        self.page.js("edit(2, 0, 11)")
        self.page.press("Tab", "Shift")
        self.page.wait("document.querySelector('.jp-Tooltip')?.innerText.includes('Println')", 30)
        self.shot("inspection")
        self.page.press("Escape")
        self.page.js("go(3); run('notebook:run-cell')")
        self.page.wait("document.querySelector('.jp-Stdin-input') && true", 60)
        self.page.js("document.querySelector('.jp-Stdin-input').focus()")
        self.page.type("Ada")
        self.shot("input")
        self.page.press("Enter")
        self.page.wait("output(3).includes('hello, Ada')", 30)
        self.idle()
        self.shot("answered")

    def test_everything_that_can_be_shown(self):
        self.open("show")
        # One cell at a time, because one of them fails on purpose, and run all would stop there.
        for i, source in enumerate(SHOW):
            self.page.js(f"go({i}); run('notebook:run-cell')")
            self.page.wait(f"prompt_({i}).match(/\\[\\d+\\]/) && true", 60)
            self.idle()
            if source not in SHOWN:
                continue
            selector, text = SHOWN[source]
            with self.subTest(source):
                try:
                    self.page.wait(f"cell({i}).node.querySelector('.jp-Cell-outputWrapper').querySelector({json.dumps(selector)}) && true", 10)
                except TimeoutError:
                    self.fail(f"no {selector} in {self.page.js(f'cell({i}).node.innerHTML')}")
                if text:
                    self.assertRegex(self.page.js(f"output({i})").strip(), text)
                self.assertEqual(self.page.js(f"[...cell({i}).node.querySelectorAll('img')].filter(i => !i.naturalWidth).length"), 0, "it loads")
                self.assertNotIn("{id:", self.page.js(f"output({i})"))
        self.shot("shown")

    def test_password(self):
        self.open("secret")
        self.page.js("go(0); run('notebook:run-cell')")
        self.page.wait("document.querySelector('.jp-Stdin-input') && true", 60)
        self.assertEqual(self.page.js("document.querySelector('.jp-Stdin-input').type"), "password")
        self.page.js("document.querySelector('.jp-Stdin-input').focus()")
        self.page.type("swordfish")
        self.shot("password")
        self.page.press("Enter")
        self.page.wait("output(0).includes('9 <nil>')", 30)
        self.assertNotIn("swordfish", self.page.js("JSON.stringify(nb().content.model.toJSON()) + nb().content.node.innerText"))

    def test_kernel_is_offered(self):
        self.open("busy")
        specs = self.page.js("fetch('/api/kernelspecs').then(r => r.json())")
        spec = specs["kernelspecs"][os.environ.get("GOPHERPOD_KERNEL", "gopherpod")]
        self.assertEqual(spec["spec"]["language"], "go")
        self.assertEqual(set(spec["resources"]) & {"logo-64x64", "logo-32x32", "logo-svg"}, {"logo-64x64", "logo-32x32", "logo-svg"})


if __name__ == "__main__":
    unittest.main()
