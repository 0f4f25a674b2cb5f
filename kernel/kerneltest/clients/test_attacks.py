"""What users and attackers do to kernels, with kernels that jupyter_client starts."""
import os
import pathlib
import signal
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from common import KERNEL, environment
from jupyter_client.manager import KernelManager

# Ways to leave a program running; {0} is a number that makes it unique.
CHILDREN = [
    "!sleep {0} >/dev/null 2>&1 &",
    "!nohup sleep {0} >/dev/null 2>&1 &",
    "!setsid sleep {0} >/dev/null 2>&1 &",
    "!(setsid sh -c '(sleep {0} >/dev/null 2>&1 &) ; exit' &) >/dev/null 2>&1",
    "%%bash\nsleep {0} >/dev/null 2>&1 & disown",
    'import ("os/exec"; "syscall")\nexec.Command("sleep", "{0}").Start()',
    'import ("os/exec"; "syscall")\nc := exec.Command("sleep", "{0}")\nc.SysProcAttr = &syscall.SysProcAttr{{Setsid: true}}\nc.Start()',
    'go exec.Command("sleep", "{0}").Run()',
]
WAITS = 'exec.Command("setsid", "-w", "sleep", "{0}").Run()'  # the cell waits for it


def started(kernel):
    """The session process of a kernel."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue  # it has ended
        if int(text.rsplit(")", 1)[1].split()[1]) == kernel:
            found.append(int(stat.parent.name))
    return found


def running(numbers):
    """Which of the programs run."""
    found = set()
    for line in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = line.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == b"sleep" and words[1].decode() in numbers:
            found.add(words[1].decode())
    return found


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class AttacksTest(unittest.TestCase):
    def start(self):
        manager = KernelManager(kernel_name=KERNEL)
        manager.start_kernel(env=environment())
        client = manager.client()
        client.start_channels()
        self.addCleanup(client.stop_channels)
        self.addCleanup(manager.shutdown_kernel, now=True)
        client.wait_for_ready(120)
        return manager, client

    def test_nothing_outlives_its_kernel(self):
        number = int(time.time()) * 100
        for end in ("shutdown", "restart", "kill the kernel", "terminate the kernel", "kill the session", "kill both"):
            with self.subTest(end):
                manager, client = self.start()
                kernel = manager.provisioner.pid
                numbers = []
                for cell in CHILDREN:
                    number += 1
                    numbers.append(str(number))
                    reply = client.execute_interactive(cell.format(number), timeout=60, output_hook=lambda m: None)
                    self.assertEqual(reply["content"]["status"], "ok", cell)
                number += 1
                numbers.append(str(number))
                client.execute(WAITS.format(number))
                self.assertTrue(until(lambda n=numbers: len(running(n)) == len(n)), f"only {running(numbers)} run of {numbers}")
                session = started(kernel)
                if end == "shutdown":
                    manager.shutdown_kernel()
                elif end == "restart":
                    manager.restart_kernel()
                elif end == "kill the kernel":
                    os.kill(kernel, signal.SIGKILL)
                elif end == "terminate the kernel":
                    os.kill(kernel, signal.SIGTERM)
                elif end == "kill the session":
                    for pid in session:
                        os.kill(pid, signal.SIGKILL)
                else:
                    for pid in [kernel, *session]:
                        os.kill(pid, signal.SIGKILL)
                    manager.provisioner.process.wait()
                    self.start()
                self.assertTrue(until(lambda n=numbers: not running(n)), f"{running(numbers)} of {numbers} are left")

    def test_text_that_looks_like_a_crash(self):
        _, client = self.start()
        for cell, want in {
            'fmt.Fprintln(os.Stderr, "panic: x")\nfor i := range 100000 { fmt.Fprintln(os.Stderr, "line", i) }': "panic: x\n" + "".join(f"line {i}\n" for i in range(100000)),
            'for i := range 50 { fmt.Fprintln(os.Stderr, "panic: ", i)\nfmt.Println(i) }': "".join(f"panic:  {i}\n" for i in range(50)),
            "!sh -c 'echo \"fatal error: child\" >&2; seq 1 60000 >&2'": "fatal error: child\n" + "".join(f"{i}\n" for i in range(1, 60001)),
            'fmt.Fprint(os.Stderr, "pan")\ntime.Sleep(20 * time.Millisecond)\nfmt.Fprint(os.Stderr, "ic: in pieces\\n\\ngoroutine 1 [running]:\\n")': "panic: in pieces\n\ngoroutine 1 [running]:\n",
        }.items():
            shown = []
            client.execute_interactive(cell, timeout=60, output_hook=lambda m, to=shown: to.append(m["content"]["text"]) if m["content"].get("name") == "stderr" else None)
            self.assertEqual("".join(shown), want)
        # It comes while the cell runs, not with its end.
        client.execute('fmt.Fprintln(os.Stderr, "SIGNAL: now")\nfor { time.Sleep(time.Millisecond) }')
        self.assertTrue(until(lambda: client.get_iopub_msg(timeout=60)["content"].get("text") == "SIGNAL: now\n"))
        # What came before a real crash is no part of it.
        _, client = self.start()
        shown = []
        reply = client.execute_interactive(
            'fmt.Fprintln(os.Stderr, "panic: mine")\nm := map[int]int{}\nfor range 8 { go func() { for { m[1]++ } }() }\nselect {}',
            timeout=60, output_hook=lambda m: shown.append(m["content"].get("text", "")), stop_on_error=False,
        )  # fmt: skip
        self.assertIn("concurrent map", reply["content"]["evalue"])
        self.assertIn("panic: mine\n", "".join(shown))

    def test_many_kernels_start_at_once(self):
        def use(n):
            manager = KernelManager(kernel_name=KERNEL)
            manager.start_kernel(env=env)
            client = manager.client()
            client.start_channels()
            try:
                client.wait_for_ready(300)
                shown = []
                client.execute_interactive(f"fmt.Println({n} * 2)", timeout=300, output_hook=lambda m: shown.append(m["content"].get("text", "")))
                return "".join(shown)
            finally:
                client.stop_channels()
                manager.shutdown_kernel(now=True)

        env = environment()
        with ThreadPoolExecutor(32) as pool:
            self.assertEqual(list(pool.map(use, range(32))), [f"{2 * n}\n" for n in range(32)])
