"""JupyterLab with one page in a headless Chromium."""
import json
import re
import subprocess
import sys
from pathlib import Path

from browser import Browser
from common import SCRATCH, environment

# The notebook that is shown, the text of a cell's output, its prompt.
HELPERS = """
window.nb = () => [...window.jupyterapp.shell.widgets('main')].find(w => w.context && w.content?.widgets);
window.jupyterapp.shell.activateById(nb().id);
window.kernel = () => nb().context.sessionContext.session.kernel;
window.cell = i => nb().content.widgets[i];
window.output = i => cell(i).node.querySelector('.jp-Cell-outputArea')?.innerText ?? '';
window.prompt_ = i => cell(i).node.querySelector('.jp-InputPrompt').innerText;
window.codes = () => nb().content.widgets.flatMap((c, i) => c.model.type === 'code' ? [i] : []);
window.run = name => { window.jupyterapp.commands.execute(name); return true };
window.go = i => { nb().content.activeCellIndex = i; nb().content.mode = 'command'; nb().content.deselectAll(); return true };
window.edit = (i, line, column) => {
  go(i); nb().content.mode = 'edit';
  const editor = cell(i).editor; editor.focus(); editor.setCursorPosition({line, column}); return true;
};
true
"""


class Lab:
    """A server for a folder of notebooks, and the page that shows one of them."""

    def __init__(self, folder, theme="JupyterLab Light", width=1400, height=1000):
        env = environment()
        settings = Path(env["JUPYTERLAB_SETTINGS_DIR"], "@jupyterlab", "apputils-extension")
        settings.mkdir(parents=True, exist_ok=True)
        settings.joinpath("notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
        settings.joinpath("themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))
        self.server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.port=0", "--IdentityProvider.token=",
             "--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}", "--ServerApp.disable_check_xsrf=True"],
            env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip
        log = []
        for line in self.server.stderr:
            log.append(line)
            found = re.search(r"http://(?:localhost|127\.0\.0\.1):(\d+)/lab", line)
            if found:
                self.base = f"http://127.0.0.1:{found[1]}"
                break
        else:
            raise RuntimeError("JupyterLab does not start:\n" + "".join(log))
        # Nobody reads the rest of the log; a full pipe would stop the server.
        self.drain = subprocess.Popen(["cat"], stdin=self.server.stderr, stdout=subprocess.DEVNULL)
        self.page = Browser(SCRATCH, width, height)

    def close(self):
        self.page.close()
        self.server.terminate()
        self.server.wait(30)
        self.server.stderr.close()
        self.drain.wait(30)

    def open(self, name):
        """Shows NAME.ipynb and waits until its kernel is ready."""
        self.page.open(f"{self.base}/lab/workspaces/{name}/tree/{name}.ipynb?reset")
        self.page.wait("window.jupyterapp && document.querySelector('.jp-Notebook .jp-Cell') && true", 60)
        self.page.js(HELPERS)
        self.page.wait("kernel().status === 'idle'", 60)

    def run_all(self, timeout=120):
        self.page.js("run('notebook:run-all-cells')")
        self.page.wait("prompt_(codes()[codes().length - 1]).match(/\\[\\d+\\]/) && true", timeout)
        self.idle(timeout)

    def idle(self, timeout=60):
        self.page.wait("kernel().status === 'idle' && codes().every(i => !prompt_(i).includes('*'))", timeout)
