"""A kernel is killed while a training runs: the training continues, and the next kernel reports it and can follow it to its end."""
import os
import re
import signal
import subprocess
import unittest

from common import KERNEL, SCRATCH, environment
from jupyter_client.manager import KernelManager

DATA = "X, y := [][]float64{}, []int{}\nfor i := range 512 {\n\tX, y = append(X, []float64{float64(i % 8), float64(i / 8)}), append(y, i/8%2)\n}"
SLOW = "linear 128\nrelu\nlinear 128\nrelu\nlinear 2"


class KilledTest(unittest.TestCase):
    def setUp(self):
        state = SCRATCH / "killed"
        state.mkdir(parents=True, exist_ok=True)
        self.env = environment() | {"XDG_STATE_HOME": str(state), "XDG_DATA_HOME": os.environ.get("XDG_DATA_HOME", os.path.expanduser("~/.local/share")), "GOPHERPOD_RUNS": str(state / "runs.sqlite")}
        # Otherwise the endpoint keeps the results, and runs, for half an hour.
        self.addCleanup(subprocess.run, ["pkill", "-f", "gopherpod embedded$"])

    def start(self):
        manager = KernelManager(kernel_name=KERNEL)
        manager.start_kernel(env=self.env)
        client = manager.client()
        client.start_channels()
        self.addCleanup(client.stop_channels)
        self.addCleanup(manager.shutdown_kernel, now=True)
        client.wait_for_ready(60)
        return manager, client

    def run_cell(self, client, source):
        shown = []
        reply = client.execute_interactive(source, timeout=120, output_hook=lambda m: shown.append(m["content"].get("text") or str(m["content"].get("data", {}).get("text/plain", ""))))
        self.assertEqual(reply["content"]["status"], "ok", reply["content"])
        return "\n".join(shown)

    def test_goes_on(self):
        manager, client = self.start()
        self.run_cell(client, DATA)
        shown = self.run_cell(client, f"%%runpod_train -d X,y --epochs 600 --batch-size 8 --seed 1 --noblock\n{SLOW}")
        run = re.search(r"run (\w+) goes on behind the cell", shown)[1]
        while "training loss" not in self.run_cell(client, f"%runpod_history {run}"):
            pass
        os.kill(manager.provisioner.pid, signal.SIGKILL)
        manager.provisioner.process.wait()
        _, client = self.start()
        shown = self.run_cell(client, "X, y := [][]float64{{1, 2}, {2, 1}}, []int{0, 1}")
        shown = self.run_cell(client, "%%runpod_train -d X,y --epochs 1 --seed 1 -q -o other\nlinear 2")
        self.assertIn(f"still open from before: run {run[:8]}", shown)
        self.assertIn("over 600 epochs", self.run_cell(client, f"%runpod_attach {run} -o m"))
        self.assertIn("true 600", self.run_cell(client, "fmt.Println(m.HasWeights(), m.Epochs)"))
