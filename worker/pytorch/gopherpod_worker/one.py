"""One job in a process of its own: python -m gopherpod_worker.one

The first line of standard input is the job, {"id", "input", "retries"}; the end of the input means stop. Each line of standard output
is {"value": an event or the answer, "keep": whether it belongs to the final output}, the last one {"end": true, "refresh": whether
the device is unusable}. What the code prints goes to standard error.

isolated.py starts this process on RunPod, worker/local/pytorch on the user's machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from typing import IO, Any

from . import handler


async def answer(job: dict[str, Any], out: IO[bytes]) -> None:
    config: dict[str, Any] = {}
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()

    def watch() -> None:
        while os.read(0, 1 << 16):
            pass
        if task is not None and not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)

    threading.Thread(target=watch, name="stop", daemon=True).start()
    refresh = False
    async for value in handler.stream(job, config):
        refresh = refresh or bool(value.get("refresh_worker"))
        tell(out, {"value": value, "keep": config.get("return_aggregate_stream", True)})
    tell(out, {"end": True, "refresh": refresh or bool(config.get("refresh_worker"))})


def tell(out: IO[bytes], message: dict[str, Any]) -> None:
    out.write(json.dumps(message).encode() + b"\n")
    out.flush()


def first_line() -> bytes:
    """Reads the job and nothing after it."""
    line = bytearray()
    while not line.endswith(b"\n"):
        piece = os.read(0, 1 << 16)
        if not piece:
            break
        line += piece
    return bytes(line)


def main() -> int:
    out = os.fdopen(os.dup(1), "wb")
    os.set_inheritable(out.fileno(), False)
    os.dup2(2, 1)
    try:
        job = json.loads(first_line())
    except ValueError:
        print("gopherpod: the first line of standard input is not a job", file=sys.stderr)
        return 2
    try:
        asyncio.run(answer(job, out))
    except (asyncio.CancelledError, BrokenPipeError):
        return 0
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # threads that the code has started do not keep the process
