"""jupyter_client starts the kernel with encryption (transport_encryption) and over ipc."""
import json
import stat
from pathlib import Path

import pytest
import zmq
from common import KERNEL
from jupyter_client import KernelManager

CODE = 'fmt.Println("hello, world")'


def stream(client):
    text = []

    def collect(m):
        if m["msg_type"] == "stream":
            text.append(m["content"]["text"])

    reply = client.execute_interactive(CODE, timeout=300, output_hook=collect)
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(text)


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
@pytest.mark.parametrize("policy", ["disabled", "auto", "required"])
def test_encryption(transport, policy):
    if not hasattr(KernelManager, "transport_encryption"):
        pytest.skip("jupyter_client older than 8.10 knows no encryption")
    manager = KernelManager(kernel_name=KERNEL, transport=transport, transport_encryption=policy)
    manager.start_kernel()
    try:
        with open(manager.connection_file, encoding="utf-8") as f:
            connection = json.load(f)
        assert ("curve_publickey" in connection) == (policy != "disabled")
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        assert stream(client) == "hello, world\n"
        if transport == "ipc":
            modes = [stat.S_IMODE(p.stat().st_mode) for p in Path(connection["ip"]).parent.glob(Path(connection["ip"]).name + "-*")]
            assert modes == [0o600] * 5
        # A client without the keys can read iopub if, and only if, there is no encryption.
        spy = zmq.Context.instance().socket(zmq.SUB)
        spy.linger, spy.rcvtimeo = 0, 1500
        spy.subscribe(b"")
        spy.connect(f"tcp://127.0.0.1:{connection['iopub_port']}" if transport == "tcp" else f"ipc://{connection['ip']}-{connection['iopub_port']}")
        try:
            spy.recv_multipart()
            seen = True
        except zmq.Again:
            seen = False
        finally:
            spy.close()
        assert seen == (policy == "disabled")
        # The keys stay the same across a restart, and the killed kernel leaves nothing that blocks the next one.
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=60)
        assert stream(client) == "hello, world\n"
        client.stop_channels()
    finally:
        manager.shutdown_kernel(now=True)
