"""Counts what a training sends to a front end while it runs, and checks what JupyterLab shows of it."""
import json
import time
import unittest

from browser import CHROMIUM
from common import KERNEL, SCRATCH, SCREENS, environment, notebook, save
from jupyter_client.manager import KernelManager
from lab import Lab

DATA = "X, y := [][]float64{}, []int{}\nfor i := range 64 {\n\tX, y = append(X, []float64{float64(i % 8), float64(i / 8)}), append(y, i/8%2)\n}"
MODEL = "linear 32\nrelu\nlinear 2"
SLOW = "linear 256\nrelu\nlinear 256\nrelu\nlinear 2"  # about 2 ms an epoch
FRAMES_A_SECOND = 4
FRAME_BYTES = 64_000
MESSAGES = {"display_data", "update_display_data", "stream"}


def train(epochs, model=MODEL):
    return f"%%runpod_train -d X,y --val X,y --epochs {epochs} --seed 1\n{model}"


class LiveMessages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manager = KernelManager(kernel_name=KERNEL)
        cls.manager.start_kernel(env=environment())
        cls.client = cls.manager.client()
        cls.client.start_channels()
        cls.client.wait_for_ready(timeout=60)
        cls.run_cell(DATA)

    @classmethod
    def tearDownClass(cls):
        cls.client.stop_channels()
        cls.manager.shutdown_kernel(now=True)

    @classmethod
    def run_cell(cls, source, watched=True):
        """The outputs of a cell, each with the time of its arrival."""
        ident = cls.client.execute(source, allow_stdin=watched)
        arrived = []
        while True:
            m = cls.client.get_iopub_msg(timeout=120)
            if m["parent_header"].get("msg_id") != ident:
                continue
            if m["msg_type"] == "status" and m["content"]["execution_state"] == "idle":
                return arrived
            if m["msg_type"] == "error":
                raise AssertionError(m["content"]["evalue"])
            if m["msg_type"] in MESSAGES:
                arrived.append((time.monotonic(), m["msg_type"], m["content"]))

    def test_a_watched_run(self):
        arrived = self.run_cell(train(2000, SLOW))
        updates = [(at, content) for at, kind, content in arrived if kind == "update_display_data"]
        frames, final = updates[:-1], updates[-1][1]
        self.assertGreaterEqual(len(frames), 4, "the run is too short to say something")
        times = [at for at, _ in frames]
        for i, at in enumerate(times):
            within = sum(at <= t < at + 1 for t in times[i:])
            # One more, because the time that a message takes varies.
            self.assertLessEqual(within, FRAMES_A_SECOND + 1)
        self.assertLessEqual((len(times) - 1) / (times[-1] - times[0]), FRAMES_A_SECOND + 0.2)
        ids = {content["transient"]["display_id"] for _, content in updates}
        self.assertEqual(len(ids), 1, "a run has one display")
        for _, content in updates:
            self.assertLessEqual(len(json.dumps(content)), FRAME_BYTES)
            self.assertEqual(set(content["data"]), {"text/html", "text/plain"}, "each frame replaces all representations")
        shown = frames[len(frames) // 2][1]["data"]
        for part in ["<progress ", "epoch ", " of 2,000", "about ", " left", "samples a second", "training loss", "<svg"]:
            self.assertIn(part, shown["text/html"])
        # The last frame shows the whole run, without the progress bar.
        self.assertNotIn("<progress", final["data"]["text/html"])
        self.assertIn("training loss", final["data"]["text/plain"])
        last = [content for _, kind, content in arrived if kind == "display_data" and "image/png" in content["data"]]
        self.assertIn("over 2,000 epochs", last[-1]["data"]["text/plain"])
        total = sum(len(json.dumps(content)) for _, _, content in arrived)
        print(f"\na watched run of 2,000 epochs: {len(frames)} frames, {total} bytes in {arrived[-1][0] - arrived[0][0]:.1f} s")

    def test_a_short_run_shows_its_end(self):
        arrived = self.run_cell(train(3))
        final = [content for _, kind, content in arrived if kind == "update_display_data"][-1]
        self.assertNotIn("<progress", final["data"]["text/html"])
        self.assertIn("validation loss", final["data"]["text/plain"])

    def test_nobody_watches(self):
        arrived = self.run_cell(train(20), watched=False)
        self.assertFalse([kind for _, kind, _ in arrived if kind == "update_display_data"])
        text = "".join(content["text"] for _, kind, content in arrived if kind == "stream" and content["name"] == "stdout")
        self.assertNotIn("\r", text)
        self.assertEqual([line.split()[1] for line in text.splitlines() if line.startswith("epoch")], [f"{n}/20" for n in range(1, 21)])

    def test_many_epochs_are_few_lines(self):
        arrived = self.run_cell(train(2000), watched=False)
        text = "".join(content["text"] for _, kind, content in arrived if kind == "stream")
        self.assertLessEqual(text.count("\n"), 45)
        self.assertIn("epoch 2000/2000", text)
        self.assertLessEqual(sum(len(json.dumps(content)) for _, _, content in arrived), 100_000)


@unittest.skipUnless(CHROMIUM, "no Chromium here")
class LiveInLab(unittest.TestCase):
    def test_a_run_is_seen(self):
        save(notebook(DATA, train(2000, SLOW)), "training.ipynb")
        lab = Lab(SCRATCH / "notebooks")
        self.addCleanup(lab.close)
        page = lab.page
        lab.open("training")
        page.js("run('notebook:run-all-cells')")
        page.wait("prompt_(1).includes('*') && cell(1).node.querySelector('progress')?.value > 0", 60)
        # All of these at the same moment, while the cell runs.
        page.wait("prompt_(1).includes('*') && /epoch [\\d,]+ of 2,000, .*about .* left, [\\d,]+ samples a second/.test(output(1)) && cell(1).node.querySelectorAll('td').length > 10"
                  " && cell(1).node.querySelector('.jp-OutputArea-output svg') && true", 60)  # fmt: skip
        page.screenshot(SCREENS / "training.png")
        before = page.js("cell(1).node.querySelector('progress')?.value ?? 0")
        page.wait(f"(cell(1).node.querySelector('progress')?.value ?? 1) > {before}", 30)
        lab.idle(120)
        page.screenshot(SCREENS / "trained.png")
        self.assertFalse(page.js("!!cell(1).node.querySelector('progress, .jp-OutputArea-output svg')"), "the bar is gone when the run is over")
        self.assertIn("over 2,000 epochs", page.js("output(1)"))
        self.assertEqual(page.js("cell(1).node.querySelectorAll('img').length"), 1)

    def test_a_run_behind_its_cell(self):
        """--noblock: the cell ends, other cells run, and its output is still updated; at the end the variable holds the model."""
        save(notebook(DATA, train(4000, SLOW).replace("--seed", "--noblock --seed"), 'fmt.Println("meanwhile", len(X))'), "behind.ipynb")
        lab = Lab(SCRATCH / "notebooks")
        self.addCleanup(lab.close)
        page = lab.page
        lab.open("behind")
        page.js("run('notebook:run-all-cells')")
        page.wait("output(2).includes('meanwhile 64') && !prompt_(1).includes('*') && cell(1).node.querySelector('progress')?.value > 0", 60)
        page.screenshot(SCREENS / "behind.png")
        before = page.js("cell(1).node.querySelector('progress')?.value ?? 0")
        page.wait(f"(cell(1).node.querySelector('progress')?.value ?? 1) > {before}", 30)
        self.assertNotIn("meanwhile", page.js("output(1)"))
        page.wait("output(1).includes('over 4,000 epochs') && !cell(1).node.querySelector('progress')", 60)
        self.assertEqual(page.js("output(2)").strip(), "meanwhile 64")
        page.screenshot(SCREENS / "behind-done.png")


if __name__ == "__main__":
    unittest.main()
