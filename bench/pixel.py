"""The time from a worker's event to the change of pixels in JupyterLab, and what a live run draws.

    python bench/pixel.py        needs Go, Chromium, JupyterLab and the kernel; takes a minute

A worker sends an epoch, notes the time, and Chromium notes when the frame is painted that shows it. Both clocks are one
machine's. Prints medians and extremes in milliseconds.
"""
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "kernel" / "kerneltest" / "clients"))
from common import notebook, save  # noqa: E402
from lab import Lab  # noqa: E402

EPOCHS = 40

# After the frame is painted in which the text of cell i first says "epoch N of": page time of N.
WATCH = """
window.painted = {};
window.watch = i => new MutationObserver(() => {
  const found = output(i).match(/epoch (\\d+) of/);
  if (!found || painted[found[1]]) return;
  painted[found[1]] = -1;
  requestAnimationFrame(() => {
    const after = new MessageChannel();
    after.port1.onmessage = () => { painted[found[1]] = performance.timeOrigin + performance.now() };
    after.port2.postMessage(0);
  });
}).observe(cell(i).node, {subtree: true, childList: true, characterData: true});
watch(3); true
"""


def main():
    binary = Path(tempfile.mkdtemp()) / "pixel"
    subprocess.run(["go", "build", "-o", str(binary), "./bench/pixel"], cwd=ROOT, check=True)
    endpoint = subprocess.Popen([str(binary)], stdout=subprocess.PIPE, text=True)
    assert endpoint.stdout
    url, key = endpoint.stdout.readline().split()
    path = save(
        notebook(
            f"%env GOPHERPOD_LOCAL_URL={url}",
            f"%env GOPHERPOD_LOCAL_KEY={key}",
            "X := [][]float64{{0, 0}, {0, 1}, {1, 0}, {1, 1}}\ny := []int{0, 1, 1, 0}",
            f"%%runpod_train -d X,y --val X,y --epochs {EPOCHS} --seed 1\nlinear 8\nrelu\nlinear 2",
        ),
        "pixel.ipynb",
    )
    lab = Lab(path.parent)
    try:
        lab.open("pixel")
        lab.page.js(WATCH)
        lab.run_all(timeout=180)
        painted = {int(n): ms for n, ms in lab.page.js("painted").items()}
    finally:
        lab.close()
        endpoint.terminate()
    sent = {int(n): float(ms) for n, ms in (line.split() for line in endpoint.stdout)}
    taken = sorted(painted[n] - sent[n] for n in painted if n in sent and painted[n] > 0)
    print(json.dumps({
        "epochs": EPOCHS, "seen": len(taken), "median_ms": round(statistics.median(taken), 1),
        "p90_ms": round(taken[int(0.9 * (len(taken) - 1))], 1), "least_ms": round(taken[0], 1), "most_ms": round(taken[-1], 1),
    }))  # fmt: skip


main()
