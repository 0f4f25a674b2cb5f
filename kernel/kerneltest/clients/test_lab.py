"""JupyterLab in a headless Chromium, as a person uses it."""
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
    '\th.Update(display.Data{"text/plain": fmt.Sprintf("step %d", i)})\n\tif i == 10 {\n\t\tfmt.Println("a third")\n\t}\n}',
]
TYPING = ['import "fmt"', "fmt.Prin", "fmt.Println", 'var who string\nfmt.Print("who? ")\nfmt.Scan(&who)\nfmt.Println("hello,", who)']

@unittest.skipUnless(CHROMIUM, "no Chromium here")
class LabTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for name, cells in {"rich": RICH, "busy": BUSY, "live": LIVE, "typing": TYPING}.items():
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
        errors = self.page.js("document.querySelectorAll('.jp-RenderedText[data-mime-type=\"application/vnd.jupyter.error\"]').length")
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
        # The cell runs for 3 s; what it shows is there before it is over.
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

    def test_kernel_is_offered(self):
        self.open("busy")
        specs = self.page.js("fetch('/api/kernelspecs').then(r => r.json())")
        spec = specs["kernelspecs"][os.environ.get("GOPHERPOD_KERNEL", "gopherpod")]
        self.assertEqual(spec["spec"]["language"], "go")
        self.assertEqual(set(spec["resources"]) & {"logo-64x64", "logo-32x32", "logo-svg"}, {"logo-64x64", "logo-32x32", "logo-svg"})


if __name__ == "__main__":
    unittest.main()
