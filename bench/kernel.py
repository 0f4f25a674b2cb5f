"""Kernels side by side, as a front end sees them: request to idle.

    python bench/kernel.py [KERNEL ...]       default: gopherpod python3

Prints one row a measure, medians in milliseconds unless the row says otherwise.
"""
import statistics
import sys
import time
from typing import Any

from jupyter_client.manager import KernelManager

GO = {
    "an assignment": lambda i: f"x{i} := {i}",
    "an expression": lambda i: f"{i} + 1",
    "a cell that prints": lambda i: f"fmt.Println({i})",
    "a function": lambda i: f"func f{i}(n int) int {{ return n + {i} }}",
    "a variable's name": lambda i: "kept",
    "setup": 'import "fmt"\nimport "time"\nimport "github.com/gopherpod/gopherpod/kernel/display"\nkept, span := 42, time.Minute',
    "loop of 10 million": "sum := 0\nfor i := 0; i < 10_000_000; i++ { sum += i & 3 }\nsum",
    "a method": lambda i: "span.Seconds()",
    "a magic": lambda i: "%env HOME",
    "lines": 'for i := 0; i < 100_000; i++ { fmt.Println("a line of some fifty bytes, which is the number", i) }',
    "displays": "for i := 0; i < 2000; i++ { display.HTML(fmt.Sprint(i)) }",
    "busy": "for {}",
    "complete": "fmt.Printl",
}
PYTHON = {
    "an assignment": lambda i: f"x{i} = {i}",
    "an expression": lambda i: f"{i} + 1",
    "a cell that prints": lambda i: f"print({i})",
    "a function": lambda i: f"def f{i}(n): return n + {i}",
    "a variable's name": lambda i: "kept",
    "setup": "from IPython.display import HTML, display\nkept = 42",
    "loop of 10 million": "s = 0\nfor i in range(10_000_000): s += i & 3\ns",
    "a method": lambda i: "kept.bit_length()",
    "a magic": lambda i: "%env HOME",
    "lines": 'for i in range(100_000): print("a line of some fifty bytes, which is the number", i)',
    "displays": "for i in range(2000): display(HTML(str(i)))",
    "busy": "while True: pass",
    "complete": "kept.bit_l",
}


def run(client, code, stop_after=None):
    """Runs a cell and returns the seconds to idle and the messages in between."""
    started = time.perf_counter()
    ident = client.execute(code)
    messages = []
    while True:
        m = client.get_iopub_msg(timeout=120)
        if m["parent_header"].get("msg_id") != ident:
            continue
        if m["msg_type"] == "status" and m["content"]["execution_state"] == "idle":
            break
        messages.append(m)
        if stop_after is not None and m["msg_type"] == "execute_input":
            time.sleep(0.3)
            started = time.perf_counter()
            stop_after()
    seconds = time.perf_counter() - started
    client.get_shell_msg(timeout=60)
    return seconds, messages


def ms(values):
    return f"{statistics.median(values) * 1000:.1f}"


def measure(name):
    cells: dict[str, Any] = PYTHON if name.startswith("python") else GO
    rows = {}
    manager = KernelManager(kernel_name=name)
    started = time.perf_counter()
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    # Until here the client has been busy with itself. It connects before any kernel
    # listens, and ZeroMQ tries again after 100 to 200 ms: what a kernel can reach is
    # that, and go test -bench Start ./bench tells what ours needs.
    client.kernel_info()
    client.get_shell_msg(timeout=120)
    rows["start to kernel_info"] = f"{(time.perf_counter() - started) * 1000:.0f}"
    client.wait_for_ready(timeout=120)  # waits for 0.2 s of silence on iopub
    rows["start to ready"] = f"{(time.perf_counter() - started) * 1000:.0f}"
    rows["first cell"] = f"{run(client, cells['setup'])[0] * 1000:.0f}"
    for label in ["an assignment", "an expression", "a cell that prints", "a function", "a variable's name", "a method", "a magic"]:
        rows[label] = ms([run(client, cells[label](i))[0] for i in range(25)])
    rows["loop of 10 million"] = ms([run(client, cells["loop of 10 million"])[0] for _ in range(3)])
    seconds, messages = run(client, cells["lines"])
    text = sum(len(m["content"]["text"]) for m in messages if m["msg_type"] == "stream")
    rows["1e5 lines, MB/s"] = f"{text / seconds / 1e6:.1f}"
    seconds, messages = run(client, cells["displays"])
    shown = sum(m["msg_type"] == "display_data" for m in messages)
    rows["display_data a second"] = f"{shown / seconds:.0f}"
    rows["interrupt of a busy loop"] = ms([run(client, cells["busy"], manager.interrupt_kernel)[0] for _ in range(5)])
    for kind, ask in [("complete", client.complete), ("inspect", client.inspect)]:
        taken = []
        for _ in range(20):
            started = time.perf_counter()
            ident = ask(cells["complete"], len(cells["complete"]))
            while client.get_shell_msg(timeout=60)["parent_header"]["msg_id"] != ident:
                pass
            taken.append(time.perf_counter() - started)
        rows[kind] = ms(taken)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    return rows


def main():
    names = sys.argv[1:] or ["gopherpod", "python3"]
    results = [measure(name) for name in names]
    print(f"{'':28s}" + "".join(f"{name:>14s}" for name in names))
    for label in results[0]:
        print(f"{label:28s}" + "".join(f"{rows[label]:>14s}" for rows in results))


main()
