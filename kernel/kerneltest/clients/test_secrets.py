"""No way out of a notebook shows a key: outputs, errors, the history, the run store, trackers' files, logs.

A hostile endpoint repeats the key in its answers, and cells print it in every way that people do by accident.
"""
import http.server
import json
import subprocess
import threading
import unittest

from common import KERNEL, SCRATCH, environment
from jupyter_client.manager import KernelManager

# Values of the environment and of .env. None has the form of a service's key, so each is masked only because it is known.
ENVIRONMENT = {"RUNPOD_API_KEY": "CANARY-one-0123456789abcdefgh", "RUNPOD_S3_SECRET_ACCESS_KEY": "CANARY-two-0123456789abcdefgh"}
FILE = {"BUCKET_SECRET_ACCESS_KEY": "CANARY-three-0123456789abcdef"}

ALWAYS = [
    'fmt.Println(os.Getenv("RUNPOD_API_KEY"), os.Getenv("RUNPOD_S3_SECRET_ACCESS_KEY"))',
    'key := os.Getenv("RUNPOD_API_KEY")\nkey',
    "panic(key)",
    "!env",
    "%env",
    "%env RUNPOD_API_KEY",
    "%%bash\nenv; cat .env",
    'errors.New("no: " + key)',
    'fmt.Print(key[:12])\ntime.Sleep(50 * time.Millisecond)\nfmt.Println(key[12:])',
    'for _, c := range key {\n\tfmt.Print(string(c))\n\ttime.Sleep(2 * time.Millisecond)\n}\nfmt.Println()',
    'import "github.com/gopherpod/gopherpod/kernel/display"\ndisplay.HTML("<b>" + key + "</b>")',
    'display.JSON(map[string]any{"k": key})',
    "display.Markdown(key)",
    "%who",
    "[]string{key}",
    'map[string]string{"a": key}',
    "fmt.Fprintln(os.Stderr, key)",
    "log.Println(key)",
    "X, y := [][]float64{{1, 2}, {2, 3}, {3, 4}, {4, 5}}, []int{0, 1, 0, 1}",
]
MAGICS = [
    "%%runpod_train -d X,y --epochs 2 --seed 1 --track mlflow,tensorboard,wandb\nlinear 2",
    "%%runpod_sweep lr=log(1e-3,1) -d X,y --epochs 1 --trials 2 --seed 1 --journal s{n}.jsonl --track wandb\nlinear 2",
    "%runpod_health",
    "%runpod_status j1",
    "%runpod_config",
    "%runpod_gpu",
    "%runpod_cost",
    "%runpod_deploy --dry-run",
    "%runpod_runs",
    "%runpod_logs",
    'import "github.com/gopherpod/gopherpod/runpod"\nc, err := runpod.FromEnv()\nfmt.Printf("%v %+v %#v %v", c, c, c, err)\njson.NewEncoder(os.Stdout).Encode(c)\nc',
]
LAST = ["log.Fatal(key)", "key"]

# Cells that compute a secret, put it where secrets are, and print it, all in one cell. {v} is an expression for it.
COMPUTED = [
    'os.Setenv("A_TOKEN", {v})\nfmt.Println(os.Getenv("A_TOKEN"))',
    'os.Setenv("B_TOKEN", {v})\nos.Getenv("B_TOKEN")',
    'os.Setenv("C_TOKEN", {v})\npanic(os.Getenv("C_TOKEN"))',
    'os.Setenv("D_TOKEN", {v})\ngone := os.Getenv("D_TOKEN")\nos.Unsetenv("D_TOKEN")\nfmt.Fprintln(os.Stderr, gone)',
    'import "syscall"\nsyscall.Setenv("E_TOKEN", {v})\nfmt.Println(os.Getenv("E_TOKEN"))\nsyscall.Kill(os.Getpid(), 9)',
    'import "os/exec"\nos.Setenv("F_TOKEN", {v})\nc := exec.Command("sh", "-c", "echo $F_TOKEN; echo $F_TOKEN >&2")\nc.Stdout, c.Stderr = os.Stdout, os.Stderr\nc.Run()',
    'os.WriteFile(".env", []byte("G_TOKEN="+{v}), 0o600)\nb, _ := os.ReadFile(".env")\nfmt.Print(string(b))',
    'os.Mkdir("deep", 0o700)\nos.Chdir("deep")\nos.WriteFile(".env", []byte("H_TOKEN="+{v}), 0o600)\nb, _ := os.ReadFile(".env")\nos.Stdout.Write(b)',
    'import "github.com/gopherpod/gopherpod/kernel/display"\nos.Setenv("I_TOKEN", {v})\ndisplay.HTML(os.Getenv("I_TOKEN"))',
    '%env J_TOKEN=CANARY-{n}-0123456789abcdefghij\nfmt.Println(os.Getenv("J_TOKEN"))',
]


class Hostile(http.server.BaseHTTPRequestHandler):
    """Refuses the key and repeats it, or fails jobs and repeats it in the error, the output and the log."""

    refuse = True

    def log_message(self, *args):
        pass

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        key = self.headers.get("Authorization", "")
        code, body = 200, {"id": "j1", "status": "IN_QUEUE"}
        if self.refuse:
            code, body = 401, {"error": "bad key " + key}
        elif "/health" in self.path:
            body = {"jobs": {}, "workers": {}}
        elif "/run" not in self.path:
            error = json.dumps({"error_type": "X", "error_message": "the key is " + key, "error_traceback": key})
            body = {"id": "j1", "status": "FAILED", "error": error, "output": [{"type": "log", "message": "hello " + key, "run_id": "x", "seq": 0}], "stream": []}
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = answer


class SecretsTest(unittest.TestCase):
    def test_no_way_out(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        address = f"http://127.0.0.1:{server.server_address[1]}"
        work, state, data = (SCRATCH / "secrets" / name for name in ("work", "state", "data"))
        for folder in (work, state, data):
            folder.mkdir(parents=True, exist_ok=True)
        (work / ".env").write_text("".join(f"{name}={value}\n" for name, value in FILE.items()))
        env = environment() | ENVIRONMENT | {
            "RUNPOD_ENDPOINT_ID": "ep", "RUNPOD_ENDPOINT_BASE_URL": address + "/v2", "RUNPOD_MANAGEMENT_URL": address, "MLFLOW_TRACKING_URI": address,
            "XDG_STATE_HOME": str(state), "GOPHERPOD_RUNS": str(data / "runs.sqlite"),
        }  # fmt: skip
        with open(work.parent / "log", "w") as log:
            manager = KernelManager(kernel_name=KERNEL)
            manager.start_kernel(env=env, cwd=str(work), stdout=log, stderr=log)
            self.client = manager.client()
            self.client.start_channels()
            try:
                self.client.wait_for_ready(60)
                self.cells(ALWAYS)
                self.cells([c.replace("{n}", "1") for c in MAGICS])
                Hostile.refuse = False
                shown = self.cells([c.replace("{n}", "2") for c in MAGICS])
                self.assertIn("the key is", shown)  # the endpoint's message arrives, without the key
                self.cells(LAST)
                self.client.inspect("key", 3)
                reply = self.client.get_shell_msg(timeout=30)
                while reply["msg_type"] != "inspect_reply":
                    reply = self.client.get_shell_msg(timeout=30)
                self.check("inspect", json.dumps(reply["content"]))
            finally:
                self.client.stop_channels()
                manager.shutdown_kernel()
        self.assertTrue(list(data.glob("runs.sqlite*")) and list((work / "wandb").iterdir()), "nothing was written, so nothing was looked at")
        found = subprocess.run(["grep", "-rla", "CANARY", str(work.parent)], capture_output=True, text=True).stdout.split()
        self.assertEqual(found, [str(work / ".env")])

    def test_computed_in_the_cell_that_prints_it(self):
        work = SCRATCH / "computed" / "work"
        work.mkdir(parents=True, exist_ok=True)
        manager = KernelManager(kernel_name=KERNEL)
        manager.start_kernel(env=environment(), cwd=str(work))
        self.client = manager.client()
        self.client.start_channels()
        try:
            self.client.wait_for_ready(60)
            for n, cell in enumerate(COMPUTED):
                messages = []
                source = cell.replace("{v}", f'strings.Repeat("CANARY-{n}-", 3)').replace("{n}", str(n))
                reply = self.client.execute_interactive(
                    source, timeout=120, output_hook=lambda m, to=messages: to.append(m["content"]) if m["msg_type"] != "execute_input" else None, stop_on_error=False
                )
                shown = json.dumps([messages, reply["content"]], default=str)
                # The source of a panic is shown with it.
                self.assertNotIn("CANARY", shown.replace(source.split("\n")[-1], "").replace(json.dumps(source)[1:-1], ""), source)
                self.assertIn("***", shown, source)
        finally:
            self.client.stop_channels()
            manager.shutdown_kernel()

    def cells(self, cells):
        shown = ""
        for source in cells:
            messages = []
            reply = self.client.execute_interactive(source, timeout=120, output_hook=lambda m, to=messages: to.append(m["content"]), stop_on_error=False)
            shown += self.check(source, json.dumps([messages, reply["content"]], default=str))
        return shown

    def check(self, source, text):
        for value in (*ENVIRONMENT.values(), *FILE.values()):
            self.assertNotIn(value, text, source)
        return text
