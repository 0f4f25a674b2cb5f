"""The network volume: makes it usable for a worker without root's rights, and says why if it is not.

A volume belongs to root, or to whoever wrote to it first. The image therefore starts as root, makes the worker's folder in the
volume and its subfolders the worker's own, and gives up root's rights for good before it takes a job (enter). A program that
starts otherwise uses the volume if it may write to it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import sys
import tempfile
from pathlib import Path

PATH = "/runpod-volume"  # where RunPod mounts a network volume
FOLDER = "gopherpod"
VARIABLE = "GOPHERPOD_UID"  # set by the image: the user to become


def enter() -> None:
    """Becomes the user of GOPHERPOD_UID, if this process is root's, and reports on stderr if the volume cannot be used."""
    if (uid := os.environ.get(VARIABLE, "")) and os.geteuid() == 0:
        if not uid.isdecimal() or int(uid) == 0:
            raise SystemExit(f"gopherpod: {VARIABLE}: want the number of a user other than root, got {uid[:40]!r}")
        hand_over(int(uid))
        become(int(uid))
    if said := problem():
        print("gopherpod: " + said, file=sys.stderr, flush=True)


def hand_over(uid: int) -> None:
    """Makes the worker's folder in the volume, with the folders in it, those of a user. Files stay whose they are: others may
    read them, and a folder's owner may replace them. Errors are left to problem, which tries to write."""
    if not os.path.isdir(PATH):
        return
    top = os.path.join(PATH, FOLDER)
    with contextlib.suppress(OSError):
        os.makedirs(top, exist_ok=True)
        for folder, _, _ in os.walk(top):
            if os.stat(folder).st_uid != uid:
                os.chown(folder, uid, uid, follow_symlinks=False)


def become(uid: int) -> None:
    """Gives up root's rights. A process that could get them back ends."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    try:
        os.setuid(0)
    except PermissionError:
        pass
    else:
        raise SystemExit("gopherpod: root's rights could not be given up")
    try:
        entry = pwd.getpwuid(uid)
        os.environ["HOME"], os.environ["USER"] = entry.pw_dir, entry.pw_name
    except KeyError:
        os.environ["HOME"] = tempfile.gettempdir()


def folder() -> Path | None:
    """Returns the worker's folder in the volume, or None if there is no volume or the worker cannot write there."""
    return None if not os.path.isdir(PATH) or problem() else Path(PATH) / FOLDER


def problem() -> str:
    """Returns why the volume is not used, or "" if it is, or if there is none. It writes a file to find out, once for each user."""
    if not os.path.isdir(PATH):
        return ""
    key = (PATH, os.geteuid())
    if key not in _known:
        _known[key] = _try(Path(PATH) / FOLDER)
    return _known[key]


_known: dict[tuple[str, int], str] = {}


def _try(top: Path) -> str:
    try:
        top.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=top, prefix=".try-"):
            return ""
    except OSError as e:
        at = top if top.exists() else top.parent
        try:
            whose = f"it belongs to user {at.stat().st_uid}"
        except OSError:
            whose = "its owner cannot be read"
        return (
            f"the network volume is not used, because user {os.geteuid()} cannot write to {at} ({e.strerror or e}; {whose}): "
            f"what this worker keeps of data and runs is lost when it stops. Deploy the current image, which starts as root to make "
            f"the folder its own, or run chown -R {os.geteuid()} {top} where the volume is mounted"
        )
