"""Attacks a kernel whose cells are those of the test, as another user of the machine can.

python attack.py CONNECTION_FILE

The attacker knows the addresses, which anybody can look up, and neither key. A client of
jupyter_client, which has read the connection file, has to work before, meanwhile and after.
"""
import contextlib
import hashlib
import hmac
import json
import os
import socket
import struct
import sys
import time
import traceback

import zmq
from jupyter_client import BlockingKernelClient


def fail(kind, value, trace):  # without waiting for sockets
    traceback.print_exception(kind, value, trace)
    sys.stderr.flush()
    os._exit(1)


sys.excepthook = fail
path = sys.argv[1]
with open(path, encoding="utf-8") as f:
    conn = json.load(f)
encrypted = "curve_publickey" in conn
ctx = zmq.Context()


def address(channel):
    if conn["transport"] == "ipc":
        return f"ipc://{conn['ip']}-{conn[channel + '_port']}"
    return f"tcp://{conn['ip']}:{conn[channel + '_port']}"


def attacker(kind, channel, identity=b""):
    s = ctx.socket(kind)
    s.linger, s.rcvtimeo, s.sndtimeo = 0, 700, 700
    if identity:
        s.identity = identity
    if kind == zmq.SUB:
        s.subscribe(b"")
    s.connect(address(channel))
    return s


def raw(channel):
    if conn["transport"] == "ipc":
        s = socket.socket(socket.AF_UNIX)
        s.connect(address(channel).removeprefix("ipc://"))
    else:
        s = socket.create_connection((conn["ip"], conn[channel + "_port"]))
    s.settimeout(3)
    return s


def received(s):
    try:
        return s.recv_multipart()
    except zmq.Again:
        return None


def sign(parts, key=None):
    return hmac.new((key or conn["key"]).encode(), b"".join(parts), hashlib.sha256).hexdigest().encode()


def request(msg_id, kind, content, key=None):
    header = {"msg_id": msg_id, "msg_type": kind, "session": "attacker", "username": "a", "date": "2026-01-01T00:00:00Z", "version": "5.4"}
    parts = [json.dumps(p).encode() for p in (header, {}, {}, content)]
    return [b"<IDS|MSG>", sign(parts, key), *parts]


def run(code, **kwargs):
    seen = []
    reply = client.execute_interactive(code, timeout=20, output_hook=seen.append, **kwargs)
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(m["content"]["text"] for m in seen if m["msg_type"] == "stream")


client = BlockingKernelClient()
client.load_connection_file(path)
client.start_channels()
client.wait_for_ready(timeout=20)
assert run("hello") == "hello\n"

# Reading what the kernel publishes.
spy = attacker(zmq.SUB, "iopub")
time.sleep(0.5)
assert run("hello") == "hello\n"
assert (received(spy) is None) == encrypted, "only encryption hides iopub from somebody who can open the socket"

# A request with a wrong key, and one without a signature.
shell = attacker(zmq.DEALER, "shell")
for frames in (request("f1", "execute_request", {"code": "hello"}, "another key"), [b"<IDS|MSG>", b"", *request("f2", "execute_request", {"code": "hello"})[2:]]):
    with contextlib.suppress(zmq.Again):  # libzmq has given the connection up
        shell.send_multipart(frames)
    assert received(shell) is None, "an answer without the key"

# A request that was recorded, sent again. Whoever records it may read it, so this is about a connection without encryption.
if not encrypted:
    recorded = request("r1", "execute_request", {"code": "hello", "silent": False})
    shell.send_multipart(recorded)
    assert received(shell), "the request itself"
    for channel in ("shell", "control"):
        again = attacker(zmq.DEALER, channel)
        again.send_multipart(recorded)
        assert received(again) is None, "a recorded request ran again on " + channel

# The identity of the client, for its questions.
thief = attacker(zmq.DEALER, "stdin", client.session.bsession)
time.sleep(1.5)
client.allow_stdin = True
assert run("ask", allow_stdin=True, stdin_hook=lambda _: client.input("mine")) == "mine"
assert received(thief) is None, "the thief saw the question"

# Frames that announce much, before and after the handshake of NULL.
greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00" + (b"CURVE" if encrypted else b"NULL").ljust(20, b"\0") + bytes(32)
ready = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"
ready = b"\x04" + bytes([len(ready)]) + ready
for size in (1 << 30, 1 << 40, (1 << 63) - 1, (1 << 64) - 1):
    for flags in (2, 3, 6):
        for start in (greeting, greeting + ready):
            for channel in ("shell", "iopub", "stdin", "control", "hb"):
                s = raw(channel)
                try:
                    s.sendall(start + bytes([flags]) + struct.pack(">Q", size) + bytes(1 << 10))
                    while s.recv(4096):
                        pass
                except (ConnectionError, BrokenPipeError):
                    pass
                s.close()

# Many connections that say nothing, and one that says each byte slowly.
idle = [raw(channel) for channel in ("shell", "iopub", "stdin", "control", "hb") for _ in range(100)]
slow = raw("shell")
for byte in greeting[:10]:
    slow.sendall(bytes([byte]))
assert run("hello") == "hello\n"
fresh = BlockingKernelClient()
fresh.load_connection_file(path)
fresh.start_channels()
fresh.wait_for_ready(timeout=20)
assert fresh.is_alive()
for s in [*idle, slow]:
    s.close()
print("fine")
os._exit(0)
